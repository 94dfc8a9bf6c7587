//! Estimates and verdicts, against published values, other libraries, and rates over many looks.

#![cfg(test)]

mod beta_contests;
mod estimates;
mod false_alarms;
mod oracles;
mod verdict;
