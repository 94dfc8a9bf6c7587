//! A badge as SVG. It has neither scripts nor styles nor links, so it is the same wherever it is shown.

use std::fmt::Write;

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
    height: u32,
    font: u32,
    /// Where letters stand.
    baseline: u32,
    /// Left and right of a text.
    margin: u32,
    /// Between letters, in tenths.
    spacing_tenths: u32,
}

/// A coloured part with a text in it.
struct Part {
    text: String,
    width: TextWidth,
    left: u32,
    box_width: u32,
    color: Color,
    is_bold: bool,
}

impl Style {
    /// The style of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "flat" => Some(Self::Flat),
            "flat-square" => Some(Self::FlatSquare),
            "for-the-badge" => Some(Self::ForTheBadge),
            _ => None,
        }
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
    let (width, height) = (label.box_width + shown.box_width, measures.height);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' role='img' aria-label='{name}'>\
            <title>{name}</title>",
        name = spoken(&request.label, count),
    );
    let parts = [label, shown];
    match style {
        Style::Flat => {
            svg.push_str(
                "<linearGradient id='light' x2='0' y2='100%'><stop offset='0' stop-color='#bbb' stop-opacity='.1'/>\
                    <stop offset='1' stop-opacity='.1'/></linearGradient><clipPath id='corners'>",
            );
            push_rectangle(&mut svg, (0, width), height, "rx='3'");
            svg.push_str("</clipPath><g clip-path='url(#corners)'>");
        }
        Style::FlatSquare | Style::ForTheBadge => svg.push_str("<g shape-rendering='crispEdges'>"),
    }
    for Part { left, box_width, color, .. } in &parts {
        push_rectangle(&mut svg, (*left, *box_width), height, &format!("fill='{color}'"));
    }
    if style == Style::Flat {
        push_rectangle(&mut svg, (0, width), height, "fill='url(#light)'");
    }
    push_format(
        &mut svg,
        format_args!(
            "</g><g text-anchor='middle' font-family='Verdana,Geneva,DejaVu Sans,sans-serif' font-size='{}' \
                text-rendering='geometricPrecision'>",
            measures.font
        ),
    );
    for part in &parts {
        let (fill, shadow) = part.color.text();
        if style == Style::Flat {
            let attributes = format!("fill='{shadow}' fill-opacity='.3' aria-hidden='true'");
            push_letters(&mut svg, part, measures.baseline + 1, &attributes);
        }
        push_letters(&mut svg, part, measures.baseline, &format!("fill='{fill}'"));
    }
    svg.push_str("</g></svg>");
    svg
}

fn spoken(label: &str, count: u64) -> String {
    let mut name = String::new();
    push_text(&mut name, label);
    name.push_str(": ");
    name.push_str(&grouped(count));
    name
}

fn part(measures: &Measures, text: String, left: u32, color: Color, is_bold: bool) -> Part {
    let mut width = text_width(&text, measures.font, is_bold);
    let letters = u32::try_from(text.chars().count()).unwrap_or_default();
    width.tenths += letters * measures.spacing_tenths;
    let box_width = width.tenths.div_ceil(10) + 2 * measures.margin;
    Part { text, width, left, box_width, color, is_bold }
}

fn push_rectangle(svg: &mut String, (left, width): (u32, u32), height: u32, attributes: &str) {
    push_format(svg, format_args!("<rect x='{left}' width='{width}' height='{height}' {attributes}/>"));
}

/// A text of known width is drawn so wide in whatever font there is.
fn push_letters(svg: &mut String, part: &Part, baseline: u32, attributes: &str) {
    let middle_tenths = part.left * 10 + part.box_width * 5;
    push_format(svg, format_args!("<text x='{}' y='{baseline}' {attributes}", pixels(middle_tenths)));
    if part.width.is_known && part.width.tenths > 0 {
        push_format(svg, format_args!(" textLength='{}'", pixels(part.width.tenths)));
    }
    if part.is_bold {
        svg.push_str(" font-weight='bold'");
    }
    svg.push('>');
    push_text(svg, &part.text);
    svg.push_str("</text>");
}

fn pixels(tenths: u32) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn push_format(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = text.write_fmt(arguments);
}
