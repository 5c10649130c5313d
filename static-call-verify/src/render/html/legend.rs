//! The legend of the drawings: a picture and an explanation of every grade.

use std::fmt::{self, Write};

use super::keys::Steps;
use super::line::{Drawn, Shape};
use super::{Grade, Path};

/// Returns an inline call at byte `address` of a line.
const fn example(address: u64) -> Drawn {
    Drawn { address, shape: Shape { path: Path::Inline, length: 5, displacement: 4 } }
}

const STEPS: &str = "It is retargeted in steps: an update takes up to three stores with a barrier \
                     after each. The call itself costs the same.";

const EXAMPLES: [(Grade, Drawn, &str, &str); 4] = [
    (
        Grade::Quad,
        example(9),
        "The whole instruction lies in one aligned quadword.",
        "One store retargets it, or replaces it by a no-op or a constant.",
    ),
    (
        Grade::Disp,
        example(15),
        "Only the displacement lies in one aligned quadword.",
        "One store retargets it.",
    ),
    (
        Grade::Line,
        example(29),
        "An 8-byte boundary inside the cache line cuts the displacement.",
        STEPS,
    ),
    (Grade::Straddle, example(61), "The end of the cache line cuts the displacement.", STEPS),
];

pub(super) fn examples() -> [Drawn; 4] {
    EXAMPLES.map(|(_, drawn, _, _)| drawn)
}

pub(super) fn write(f: &mut impl Write) -> fmt::Result {
    f.write_str(
        r#"<section id="legend" aria-labelledby="legend-title">
<h2 id="legend-title">How to read the drawings</h2>
<p>Each drawing shows one cache line, 64 bytes of machine code, and the instruction in its place.
The empty bytes<span class="letter">, marked <b>o</b>,</span>
are the operation. The filled ones<span class="letter">, marked <b>D</b>,</span>
are the displacement, which says where the call goes. To change the target, the runtime rewrites the
displacement.</p>
<p class="promise">Another thread may be executing the instruction at that moment. AMD guarantees
that it sees either the old bytes or the new ones, never a mixture, for
<b>one store inside one aligned quadword</b>
(8 bytes, from one thin line to the next). Intel guarantees nothing, but no mixture has ever been
reported there. For one store across a boundary there is no such guarantee, and mixtures have been
seen on real processors: sometimes across a 32-byte boundary, often across a cache line.</p>
<p>So the runtime never makes such a store. If a boundary cuts the displacement, it rewrites one
part at a time, each by one store inside its quadword, and before the next store it waits until
every core has seen the last one. Between two stores the call goes through a <dfn>veneer</dfn>,
eight bytes of code that jump to the new target. The place of the instruction decides its
grade:</p>
<dl class="grades">
"#,
    )?;
    for (of, drawn, condition, consequence) in &EXAMPLES {
        let word = of.as_str();
        let path = drawn.shape.path;
        write!(
            f,
            "<div><dt><span class=\"grade\">{word}</span> \
             <span class=\"path {}\"><span aria-hidden=\"true\">{} </span>{}</span> {}</dt>\
             <dd class=\"picture\">",
            path.word(),
            path.mark(),
            path.word(),
            Steps(path, *of)
        )?;
        drawn.write(f)?;
        writeln!(f, "</dd><dd>{condition} {consequence}</dd></div>")?;
    }
    f.write_str(
        r##"</dl>
<ul class="marks">
<li><svg class="mark" viewBox="-4 6 10 28" aria-hidden="true">
<path class="b8" d="M0 9v23"/></svg> 8 bytes: a quadword</li>
<li><svg class="mark" viewBox="-4 6 10 28" aria-hidden="true">
<path class="b32" d="M0 6v26"/></svg> 32 bytes: half a line</li>
<li><svg class="mark" viewBox="-4 3 10 31" aria-hidden="true">
<path class="b64" d="M0 3v29"/></svg> 64 bytes: the cache line</li>
<li><svg class="mark" viewBox="-6 0 12 40" aria-hidden="true">
<use href="#torn"/></svg> a boundary that cuts the displacement: rewritten in steps</li>
<li><svg class="mark" viewBox="-1 8 42 22" aria-hidden="true">
<g class="inline"><rect class="d" y="9" width="40" height="20"/></g></svg>
plain: inline, rewritten in place</li>
<li><svg class="mark" viewBox="-1 8 42 22" aria-hidden="true">
<g class="trampoline"><rect class="d" y="9" width="40" height="20"/>
<rect y="9" width="40" height="20" fill="url(#hatch)"/></g></svg>
hatched: not inline, goes through its trampoline</li>
</ul>
</section>
"##,
    )
}
