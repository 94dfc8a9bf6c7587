//! A prompt's count as a picture for pages and READMEs: SVG that runs nothing and loads nothing.

pub mod color;
pub mod drawing;
pub mod metric;
pub mod number;
pub mod request;
pub mod text_width;
pub mod xml;
