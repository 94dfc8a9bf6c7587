//! A badge as SVG. It has neither scripts nor styles nor links, so it is the same wherever it is shown.

use super::color::Color;
use super::number::{grouped, short};
use super::request::BadgeRequest;
use super::text_width::{TextWidth, text_width};
use super::xml::push_text;

/// The type under which it is told.
pub const MEDIA_TYPE: &str = "image/svg+xml; charset=utf-8";

/// How a badge looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Round corners, and light from above.
    Flat,
    /// Plain rectangles.
    FlatSquare,
    /// Large, in capital letters.
    ForTheBadge,
}

/// The measures of a style, in pixels.
struct Measures {
    height: u64,
    font: u64,
    /// Where letters stand.
    baseline: u64,
    /// Left and right of a text.
    margin: u64,
    /// Between letters, in tenths.
    spacing_tenths: u64,
}

/// A coloured part with a text in it.
struct Part {
    text: String,
    width: TextWidth,
    left: u64,
    box_width: u64,
    color: Color,
    is_bold: bool,
}

impl Style {
    /// Every one, with the name under which it is asked for.
    pub const ALL: [(Self, &str); 3] =
        [(Self::Flat, "flat"), (Self::FlatSquare, "flat-square"), (Self::ForTheBadge, "for-the-badge")];

    /// The style of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(style, _)| style)
    }

    fn measures(self) -> Measures {
        match self {
            Self::Flat | Self::FlatSquare => {
                Measures { height: 20, font: 11, baseline: 14, margin: 6, spacing_tenths: 0 }
            }
            Self::ForTheBadge => Measures { height: 28, font: 10, baseline: 18, margin: 10, spacing_tenths: 12 },
        }
    }

    /// A text as it is written in this style.
    fn written(self, text: &str) -> String {
        if self == Self::ForTheBadge { text.to_uppercase() } else { text.to_owned() }
    }
}

/// Draws a count. Whoever does not see the picture is told the label and the whole count.
#[must_use]
pub fn draw(request: &BadgeRequest, count: u64) -> String {
    let style = request.style;
    let measures = style.measures();
    let is_bold = style == Style::ForTheBadge;
    let label = part(&measures, style.written(&request.label), 0, Color::LABEL, false);
    let shown = part(&measures, style.written(&short(count)), label.box_width, request.color, is_bold);
    let width = (label.box_width + shown.box_width).to_string();
    let height = measures.height.to_string();
    let name = spoken(&request.label, count);
    let mut svg = String::new();
    let head = "<svg xmlns='http://www.w3.org/2000/svg' role='img' width='";
    push_all(&mut svg, &[head, &width, "' height='", &height, "' aria-label='", &name, "'><title>", &name, "</title>"]);
    let whole = |attributes| ["<rect width='", &width, "' height='", &height, "' ", attributes, "/>"];
    if style == Style::Flat {
        svg.push_str(
            "<linearGradient id='light' x2='0' y2='100%'><stop offset='0' stop-color='#bbb' stop-opacity='.1'/>\
                <stop offset='1' stop-opacity='.1'/></linearGradient><clipPath id='corners'>",
        );
        push_all(&mut svg, &whole("rx='3'"));
        svg.push_str("</clipPath><g clip-path='url(#corners)'>");
    } else {
        svg.push_str("<g shape-rendering='crispEdges'>");
    }
    let parts = [label, shown];
    for Part { left, box_width, color, .. } in &parts {
        let (left, width, color) = (left.to_string(), box_width.to_string(), color.hexadecimal());
        push_all(
            &mut svg,
            &["<rect x='", &left, "' width='", &width, "' height='", &height, "' fill='", &color, "'/>"],
        );
    }
    if style == Style::Flat {
        push_all(&mut svg, &whole("fill='url(#light)'"));
    }
    svg.push_str(
        "</g><g text-anchor='middle' font-family='Verdana,Geneva,DejaVu Sans,sans-serif' \
            text-rendering='geometricPrecision' font-size='",
    );
    push_all(&mut svg, &[&measures.font.to_string(), "'>"]);
    for part in &parts {
        let (letters, shadow) = part.color.text();
        if style == Style::Flat {
            push_letters(&mut svg, part, measures.baseline + 1, shadow, "' fill-opacity='.3' aria-hidden='true");
        }
        push_letters(&mut svg, part, measures.baseline, letters, "");
    }
    svg.push_str("</g></svg>");
    svg
}

fn spoken(label: &str, count: u64) -> String {
    let mut name = String::new();
    push_text(&mut name, label);
    push_all(&mut name, &[": ", &grouped(count)]);
    name
}

fn part(measures: &Measures, text: String, left: u64, color: Color, is_bold: bool) -> Part {
    let mut width = text_width(&text, measures.font, is_bold);
    width.tenths += text.chars().count() as u64 * measures.spacing_tenths;
    let box_width = width.tenths.div_ceil(10) + 2 * measures.margin;
    Part { text, width, left, box_width, color, is_bold }
}

/// A text of known width is drawn so wide in whatever font there is. `more` goes on where the fill ends.
fn push_letters(svg: &mut String, part: &Part, baseline: u64, fill: Color, more: &str) {
    let middle = pixels(part.left * 10 + part.box_width * 5);
    let fill = fill.hexadecimal();
    push_all(svg, &["<text x='", &middle, "' y='", &baseline.to_string(), "' fill='", &fill, more, "'"]);
    if part.width.is_known && part.width.tenths > 0 {
        push_all(svg, &[" textLength='", &pixels(part.width.tenths), "'"]);
    }
    svg.push_str(if part.is_bold { " font-weight='bold'>" } else { ">" });
    push_text(svg, &part.text);
    svg.push_str("</text>");
}

fn pixels(tenths: u64) -> String {
    let mut text = (tenths / 10).to_string();
    push_all(&mut text, &[".", &(tenths % 10).to_string()]);
    text
}

fn push_all(text: &mut String, parts: &[&str]) {
    for part in parts {
        text.push_str(part);
    }
}
