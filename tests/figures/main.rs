//! What is told of prompts: stats, series, lists, lineage, usage, search, and whether the sums agree.

#![cfg(test)]

mod ancestry;
mod ancestry_sums;
mod badge;
mod comparisons;
#[path = "../database/mod.rs"]
mod database;
mod funnel;
mod ranked;
mod ranking_pages;
mod rankings;
mod search;
mod search_answer;
mod series;
mod series_cases;
mod series_requests;
mod stats_page;
mod telling;
mod text_query;
mod totals;
mod usage;
mod usage_parsing;
mod usage_totals;
mod verification;
mod zones;
