//! What the counts of an experiment say: the figures of its variants, and a sentence.

pub mod arm;
pub mod comparison;
pub mod evaluation;
pub mod judgement;
pub mod sentence;
