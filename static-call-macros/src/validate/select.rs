//! Checks the option `select`.

use crate::cpu_features::{self, Arch};
use crate::errors::Errors;
use crate::model::Function;
use crate::parse::{Candidate, Feature};

/// Rejects candidates that are wrong, or that are never chosen.
pub(super) fn select(f: &Function, errors: &mut Errors) {
    let Some(select) = &f.select else { return };
    if f.source.body.is_none() {
        errors.at(&select.keyword, "the body runs on processors without these features: write one");
    }
    if select.candidates.is_empty() {
        errors.at(
            &select.keyword,
            "`select` has no candidates: write `select(avx2 => path)`, the best candidate first",
        );
    }
    for candidate in &select.candidates {
        attributes(candidate, errors);
        if candidate.features.iter().filter(|f| !known(f, errors)).count() == 0 {
            architecture(candidate, errors);
        }
    }
    for (i, candidate) in select.candidates.iter().enumerate() {
        for earlier in &select.candidates[..i] {
            if pair(f, earlier, candidate, errors) {
                break;
            }
        }
    }
}

fn attributes(candidate: &Candidate, errors: &mut Errors) {
    for attr in candidate.attrs.iter().filter(|attr| !attr.path().is_ident("cfg")) {
        errors.at(attr, "a candidate can have only `#[cfg(..)]` attributes");
    }
}

/// Whether the feature exists; reports it if not.
fn known(feature: &Feature, errors: &mut Errors) -> bool {
    if Arch::ALL.iter().any(|arch| arch.has(&feature.name)) {
        return true;
    }
    let near: Vec<_> = cpu_features::near(&feature.name).iter().map(|n| format!("`{n}`")).collect();
    let advice = if near.is_empty() {
        "name one of `#[target_feature(enable = \"..\")]` that stable Rust can detect, such as \
         `avx2`, `sse4.2` or `neon`"
            .to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    errors.at(&feature.tokens, format!("unknown processor feature `{}`: {advice}", feature.name));
    false
}

/// Rejects features that no processor has together.
fn architecture(candidate: &Candidate, errors: &mut Errors) {
    if !candidate.architectures().is_empty() {
        return;
    }
    let of = |feature: &Feature| Arch::ALL.into_iter().rfind(|a| a.has(&feature.name));
    let (first, rest) = (&candidate.features[0], &candidate.features[1..]);
    let Some(other) = rest.iter().find(|feature| of(feature) != of(first)) else { return };
    if let (Some(one), Some(two)) = (of(first), of(other)) {
        errors.at(
            &other.tokens,
            format!(
                "no processor has both, as `{}` belongs to {} and `{}` to {}: write two candidates",
                first.name,
                one.name(),
                other.name,
                two.name(),
            ),
        );
    }
}

/// Rejects two candidates that conflict; returns whether it did.
fn pair(f: &Function, earlier: &Candidate, later: &Candidate, errors: &mut Errors) -> bool {
    if !earlier.meets(later) {
        return false;
    }
    let covers = |a: &Candidate, b: &Candidate| {
        a.features.iter().all(|wanted| {
            b.features.iter().any(|had| cpu_features::implies(&had.name, &wanted.name))
        })
    };
    let because = later.because();
    if covers(earlier, later) && covers(later, earlier) {
        errors.at(
            &later.features[0].tokens,
            format!("duplicate candidate for `{because}`: remove one"),
        );
        return true;
    }
    if covers(earlier, later) {
        errors.at(
            &later.features[0].tokens,
            format!(
                "never chosen, as a processor with `{because}` also has the `{}` of an earlier \
                 candidate: put this one first",
                earlier.because(),
            ),
        );
        return true;
    }
    if f.candidate_name(earlier) == f.candidate_name(later) {
        errors.at(
            &later.path,
            format!(
                "an earlier candidate has the same name, so both would define `{}`: rename one \
                 with `use .. as ..`",
                f.force(later),
            ),
        );
        return true;
    }
    false
}
