//! A prompt's uses by the scenes that they name.

use serde::Serialize;
use uuid::Uuid;

use super::histogram::Histogram;
use super::totals::Sums;
use crate::http::base64_json;
use crate::http::paging;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::limits::PAGE_ROWS;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The name of the first scene, or the one after it; empty for the uses that name none, which come before all scenes.
    pub from: String,
    /// Scenes of the page, 1 to [`PAGE_ROWS`].
    pub limit: i64,
}

impl Page {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// `InvalidValue`.
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let from = paging::cursor(query)?.unwrap_or_default();
        Ok(Self { from, limit: paging::limit(query, PAGE_ROWS)? })
    }

    /// Cuts off the scene that was read beyond the limit, and gives the cursor of the page that begins with it.
    pub fn cut(&self, scenes: &mut Vec<SceneRow>) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let next = scenes.get(limit).map(|next| base64_json::encode(&next.scene));
        scenes.truncate(limit);
        next
    }
}

/// The uses in one scene, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneRow {
    /// Its name; empty where the uses name none.
    pub scene: String,
    /// What they add up to.
    pub sums: Sums,
}

/// The uses of a prompt by scene, as they are told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageByScene {
    prompt_id: Uuid,
    usage_count: u64,
    p50_time_ms: Option<u64>,
    p95_time_ms: Option<u64>,
    scenes: Vec<SceneUsage>,
    #[serde(rename = "next_cursor")]
    next_cursor: Option<String>,
}

/// The uses in one scene, as they are told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SceneUsage {
    scene: Option<String>,
    usage_count: u64,
    avg_time_ms: Option<f64>,
    success_rate: Option<f64>,
}

impl UsageByScene {
    /// The answer about a prompt with so many uses and these generation times: the scenes of one page, of which there may be
    /// one more than it has.
    #[must_use]
    pub fn of(prompt_id: Uuid, uses: u64, times: &Histogram, page: &Page, mut scenes: Vec<SceneRow>) -> Self {
        let next_cursor = page.cut(&mut scenes);
        let scenes = scenes.into_iter().map(|SceneRow { scene, sums }| SceneUsage {
            scene: Some(scene).filter(|scene| !scene.is_empty()),
            usage_count: sums.uses,
            avg_time_ms: sums.average_time_ms(),
            success_rate: sums.success_rate(),
        });
        Self {
            prompt_id,
            usage_count: uses,
            p50_time_ms: times.quantile(50),
            p95_time_ms: times.quantile(95),
            scenes: scenes.collect(),
            next_cursor,
        }
    }
}
