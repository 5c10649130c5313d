//! Draws an instruction on its cache line, as SVG: ten units per byte, 64 bytes per drawing.
//!
//! Shapes that many drawings share are defined once.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use static_call::arch::x86_64::{CACHE_LINE, QUADWORD};

use super::{Call, Path, Report};
use crate::report::Label;

/// Units of the drawing per byte.
pub(super) const UNIT: u64 = 10;
/// Length of a displacement in bytes.
const DISPLACEMENT: u8 = 4;
/// Length of a pointer in data in bytes.
const POINTER: u8 = 8;

/// The drawing of an instruction. The form of an instruction, independent of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) address: u64,
    pub(super) shape: Shape,
}

/// The form of an instruction, whatever its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) path: Path,
    pub(super) length: u8,
    /// How many of its last bytes retargeting would rewrite.
    pub(super) displacement: u8,
}

impl Drawn {
    pub(super) fn call(call: &Call) -> Self {
        let length = if call.length == 0 { POINTER } else { call.length };
        let displacement = match call.kind {
            kind if !kind.is_direct() => 0,
            // A jump with an 8-bit displacement.
            _ if length <= DISPLACEMENT => length.min(1),
            _ => DISPLACEMENT,
        };
        Self { address: call.address, shape: Shape { path: Path::of(call), length, displacement } }
    }

    pub(super) fn label(label: &Label) -> Self {
        let path = if label.is_sound { Path::Inline } else { Path::Alone };
        let shape = Shape { path, length: 1 + DISPLACEMENT, displacement: DISPLACEMENT };
        Self { address: label.address, shape }
    }

    pub(super) fn line(&self) -> u64 {
        self.address / CACHE_LINE * CACHE_LINE
    }

    /// Returns the position of the first byte in its cache line.
    pub(super) fn first(&self) -> u64 {
        self.address % CACHE_LINE
    }

    fn end(&self) -> u64 {
        self.first() + u64::from(self.shape.length)
    }

    fn crosses_line(&self) -> bool {
        self.end() > CACHE_LINE
    }

    /// Returns the quadword boundary inside the displacement, from the start of the line.
    pub(super) fn crossing(&self) -> Option<u64> {
        let first = self.end() - u64::from(self.shape.displacement);
        let boundary = first.next_multiple_of(QUADWORD);
        (first < boundary && boundary < self.end()).then_some(boundary)
    }

    /// Writes the drawing. If it crosses its line, it shows two halves with the boundary in the
    /// middle.
    pub(super) fn write(&self, f: &mut impl Write) -> fmt::Result {
        let half = CACHE_LINE / 2;
        let (ground, from) = if self.crosses_line() { ("lines", half) } else { ("line", 0) };
        let at = |byte: u64| byte.saturating_sub(from) * UNIT;
        write!(
            f,
            "<svg class=\"draw\" viewBox=\"-4 0 648 46\" role=\"img\"><title>{self}</title>\
             <use href=\"#{ground}\"/><use href=\"#{}\" x=\"{}\"/>",
            self.shape.name(),
            at(self.first())
        )?;
        if let Some(boundary) = self.crossing() {
            write!(f, r##"<use href="#torn" x="{}"/>"##, at(boundary))?;
        }
        f.write_str("</svg>")
    }
}

/// Describes the drawing in words.
impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, end) = (self.first(), self.end());
        write!(f, "bytes {first} to {} of the cache line at {:#x}", end - 1, self.line())?;
        if self.crosses_line() {
            write!(f, " and the next")?;
        }
        match (self.shape.displacement, self.crossing()) {
            (0, _) => Ok(()),
            (count, None) => {
                let from = end - u64::from(count);
                let quadword = from / QUADWORD * QUADWORD;
                let to = quadword + QUADWORD - 1;
                write!(
                    f,
                    "; displacement {from} to {}, all in the 8 bytes {quadword} to {to}",
                    end - 1
                )
            }
            (count, Some(boundary)) => {
                let from = end - u64::from(count);
                write!(f, "; displacement {from} to {}, cut at {}", end - 1, Boundary(boundary))
            }
        }
    }
}

/// A quadword boundary in a line.
pub(super) struct Boundary(pub(super) u64);

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(byte) = self;
        match byte % CACHE_LINE {
            0 => f.write_str("the end of the cache line"),
            32 => f.write_str("byte 32, the middle of the line"),
            _ => write!(f, "byte {byte}"),
        }
    }
}

impl Shape {
    fn name(self) -> String {
        format!("{}-{}-{}", self.path.word(), self.length, self.displacement)
    }

    /// Writes the shape with letters: `o` for the operation, `D` for a byte of the displacement;
    /// none if it is not a call.
    fn write(self, f: &mut impl Write) -> fmt::Result {
        let (length, displacement) = (u64::from(self.length), u64::from(self.displacement));
        let operation = length - displacement;
        let path = self.path.word();
        write!(f, r#"<g id="{}" class="{path}">"#, self.name())?;
        write!(f, r#"<rect class="o" y="9" width="{}" height="20"/>"#, operation * UNIT)?;
        let (x, width) = (operation * UNIT, displacement * UNIT);
        if displacement > 0 {
            write!(f, r#"<rect class="d" x="{x}" y="9" width="{width}" height="20"/>"#)?;
            if self.path != Path::Inline {
                write!(
                    f,
                    r##"<rect x="{x}" y="9" width="{width}" height="20" fill="url(#hatch)"/>"##
                )?;
            }
        }
        let cuts: String = (1..length).map(|i| format!("M{} 9v20", i * UNIT)).collect();
        write!(f, r#"<path class="cut" d="{cuts}"/>"#)?;
        write!(f, r#"<rect class="whole" y="9" width="{}" height="20"/>"#, length * UNIT)?;
        let letters = if self.path == Path::Address { 0 } else { length };
        for byte in 0..letters {
            let letter = if byte >= operation { "D" } else { "o" };
            write!(
                f,
                r#"<text class="byte" x="{}" y="23">{letter}</text>"#,
                byte * UNIT + UNIT / 2
            )?;
        }
        f.write_str("</g>\n")
    }
}

/// Writes the shapes that the drawings of a report and of the legend consist of.
pub(super) fn shapes(f: &mut impl Write, report: &Report) -> fmt::Result {
    f.write_str(
        "<svg class=\"shapes\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n\
         <pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect class=\"stripe\" width=\"2.2\" height=\"5\"/>\
         </pattern>\n",
    )?;
    ground(f, "line", 0)?;
    ground(f, "lines", CACHE_LINE / 2)?;
    f.write_str("<path id=\"torn\" class=\"torn\" d=\"M0 4v28M-4 0l8 8M4 0l-8 8\"/>\n")?;
    let mut all: BTreeSet<Shape> = super::legend::examples().map(|d| d.shape).into();
    all.extend(report.calls.iter().map(|c| Drawn::call(c).shape));
    all.extend(report.labels.iter().map(|l| Drawn::label(l).shape));
    all.into_iter().try_for_each(|shape| shape.write(f))?;
    f.write_str("</defs></svg>\n")
}

/// Draws 64 bytes from byte `from` of a line, with every boundary.
fn ground(f: &mut impl Write, id: &str, from: u64) -> fmt::Result {
    writeln!(f, r#"<g id="{id}">"#)?;
    for i in (0..CACHE_LINE).step_by(16) {
        let width = QUADWORD * UNIT;
        write!(f, r#"<rect class="even" x="{}" y="9" width="{width}" height="20"/>"#, i * UNIT)?;
    }
    f.write_str("<path class=\"edge\" d=\"M0 9h640M0 29h640\"/>\n")?;
    for i in (0..=CACHE_LINE).step_by(8) {
        let byte = from + i;
        let (class, top, tall) = match byte % CACHE_LINE {
            0 => ("b64", 3, 29),
            32 => ("b32", 6, 26),
            _ => ("b8", 9, 23),
        };
        write!(f, r#"<path class="{class}" data-byte="{byte}" d="M{} {top}v{tall}"/>"#, i * UNIT)?;
        // A boundary is labelled with the number in the line that it starts.
        let (x, text) = (i * UNIT, byte % CACHE_LINE);
        let anchor = match i {
            0 => " start",
            CACHE_LINE => " end",
            _ => "",
        };
        let text = if byte == CACHE_LINE { "64 = 0".to_owned() } else { text.to_string() };
        let text = if from == 0 && byte == CACHE_LINE { "64".to_owned() } else { text };
        writeln!(f, r#"<text class="at{anchor}" x="{x}" y="34">{text}</text>"#)?;
    }
    f.write_str("</g>\n")
}
