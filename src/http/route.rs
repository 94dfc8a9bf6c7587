//! Every route, in one table.

use percent_encoding::percent_decode_str;

use super::problem::{Code, Problem};

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Tells that the worker runs and its database answers.
    Health,
    /// Takes events.
    Events,
    /// Takes usage events.
    Usage,
    /// Counts a view.
    View,
    /// Counts a copy.
    Copy,
    /// Records that a prompt was put beside others.
    Compare,
    /// Makes a prompt with its answers.
    CreatePrompt,
    /// Copies a prompt under a new owner.
    Fork,
    /// Tells a prompt's counts.
    Stats,
    /// Draws one of a prompt's counts.
    Badge,
    /// Tells a prompt's counts as they move.
    Live,
    /// Tells the counts of many prompts.
    StatsOfMany,
    /// Tells which prompts are ahead.
    Top,
    /// Tells a prompt's uses by scene.
    Scenes,
    /// Tells how often something was counted, by hours or days.
    Series,
    /// Tells how many views led to copies, and so on.
    Funnel,
    /// Tells what a prompt comes from, and the tree of its forks.
    Lineage,
    /// Tells the prompts that a prompt is compared with.
    Compared,
    /// Finds templates.
    Search,
    /// Declares an experiment.
    Declare,
    /// Tells which variant a unit has.
    Assignment,
    /// Tells an experiment's hourly rows.
    Summary,
    /// Judges an experiment by what was recorded.
    Results,
    /// Judges an experiment by counts that the caller brings.
    Evaluate,
    /// Takes rows of another system.
    Import,
    /// Tells all that is kept.
    Export,
    /// Compares what is told with what it is told of.
    Verify,
    /// Takes back what a source added to the counts.
    Retract,
    /// Tells which runs of the rollup there were.
    Runs,
    /// Tells how often something was counted of all prompts, by hours or days.
    Totals,
    /// Tells what the instance has done.
    Metrics,
    /// Reads and writes the rows of a table, in the data dialect.
    Rows,
    /// Calls a function, in the data dialect.
    Function,
}

/// Who may call a route. What a caller may see or do there, `data/policy` decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Anyone,
    /// The service.
    Service,
}

/// Who may call a route from a page of another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Pages of the allowed origins.
    CrossOrigin,
    /// No page: the route is for servers.
    SameOrigin,
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Its method; a `GET` route also answers `HEAD`.
    pub method: &'static str,
    /// The path; `{id}` stands for one segment.
    pub path: &'static str,
    /// What it does.
    pub endpoint: Endpoint,
    /// Who may call it.
    pub access: Access,
    /// Who may call it from a page.
    pub sharing: Sharing,
}

/// The route table.
pub const ROUTES: &[Route] = {
    use Access::{Anyone, Service};
    use Sharing::{CrossOrigin, SameOrigin};
    &[
        route("GET", "/healthz", Endpoint::Health, Anyone, CrossOrigin),
        route("POST", "/v1/events", Endpoint::Events, Anyone, CrossOrigin),
        route("POST", "/v1/usage", Endpoint::Usage, Anyone, CrossOrigin),
        route("POST", "/v1/prompts", Endpoint::CreatePrompt, Anyone, CrossOrigin),
        route("POST", "/v1/prompts/{id}/fork", Endpoint::Fork, Anyone, CrossOrigin),
        route("POST", "/v1/prompts/{id}/view", Endpoint::View, Anyone, CrossOrigin),
        route("POST", "/v1/prompts/{id}/copy", Endpoint::Copy, Anyone, CrossOrigin),
        route("POST", "/v1/prompts/{id}/compare", Endpoint::Compare, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/stats", Endpoint::Stats, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/badge.svg", Endpoint::Badge, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/live", Endpoint::Live, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/stats", Endpoint::StatsOfMany, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/top/{id}", Endpoint::Top, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/usage/scenes", Endpoint::Scenes, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/series", Endpoint::Series, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/funnel", Endpoint::Funnel, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/lineage", Endpoint::Lineage, Anyone, CrossOrigin),
        route("GET", "/v1/prompts/{id}/compared", Endpoint::Compared, Anyone, CrossOrigin),
        route("GET", "/v1/templates/search", Endpoint::Search, Anyone, CrossOrigin),
        route("PUT", "/v1/experiments/{id}", Endpoint::Declare, Service, SameOrigin),
        route("GET", "/v1/experiments/{id}/assignment", Endpoint::Assignment, Anyone, CrossOrigin),
        route("GET", "/v1/experiments/{id}/summary", Endpoint::Summary, Service, CrossOrigin),
        route("GET", "/v1/experiments/{id}/results", Endpoint::Results, Service, CrossOrigin),
        route("POST", "/v1/experiments/evaluate", Endpoint::Evaluate, Anyone, CrossOrigin),
        route("POST", "/v1/import", Endpoint::Import, Service, SameOrigin),
        route("GET", "/v1/export", Endpoint::Export, Service, SameOrigin),
        route("GET", "/v1/admin/verify", Endpoint::Verify, Service, SameOrigin),
        route("POST", "/v1/admin/retract", Endpoint::Retract, Service, SameOrigin),
        route("GET", "/v1/admin/runs", Endpoint::Runs, Service, SameOrigin),
        route("GET", "/v1/admin/series", Endpoint::Totals, Service, SameOrigin),
        route("GET", "/v1/admin/metrics", Endpoint::Metrics, Service, SameOrigin),
        route("GET", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        route("POST", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        route("PATCH", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        route("DELETE", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        route("GET", "/rest/v1/rpc/{id}", Endpoint::Function, Anyone, CrossOrigin),
        route("POST", "/rest/v1/rpc/{id}", Endpoint::Function, Anyone, CrossOrigin),
    ]
};

impl Route {
    /// Whether requests are let in however much is in hand: whoever looks after an instance has to see it then.
    #[must_use]
    pub fn is_always_open(&self) -> bool {
        matches!(self.endpoint, Endpoint::Health | Endpoint::Metrics)
    }
}

const fn route(
    method: &'static str,
    path: &'static str,
    endpoint: Endpoint,
    access: Access,
    sharing: Sharing,
) -> Route {
    Route { method, path, endpoint, access, sharing }
}

/// The routes of one path, and what stood for `{id}`.
#[derive(Debug)]
pub struct Found {
    routes: Vec<&'static Route>,
    /// The decoded segment that stood for `{id}`; empty for a path without one.
    pub id: String,
}

/// Finds the routes of a path, which may be percent-encoded. Where a route has this very path, others in which `{id}`
/// could stand for its last segment are not meant; where several do, the one that stands first in the table is.
///
/// # Errors
/// [`Code::UnknownRoute`] when there is none.
pub fn find(path: &str) -> Result<Found, Problem> {
    let unknown = || Problem::new(Code::UnknownRoute, "GET /openapi.json lists the routes.");
    let this_very = ROUTES.iter().find(|route| route.path == path);
    let first = || ROUTES.iter().find(|route| captured(route.path, path).is_some());
    let Route { path: pattern, .. } = this_very.or_else(first).ok_or_else(unknown)?;
    let id = captured(pattern, path).unwrap_or_default();
    let id = percent_decode_str(id).decode_utf8().map_err(|_| unknown())?.into_owned();
    Ok(Found { routes: ROUTES.iter().filter(|route| route.path == *pattern).collect(), id })
}

/// The route of a request, as it is told: never an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteName {
    /// The method, or `other` for one that no route has.
    pub method: &'static str,
    /// The path of the route table, or `unknown`.
    pub path: &'static str,
}

/// How a request is told, whatever its path was: the path of its route, and its method if any route has it.
#[must_use]
pub fn name_of(found: Option<&Found>, method: &str) -> RouteName {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
    let path = found.and_then(|found| found.routes.first()).map_or("unknown", |route| route.path);
    RouteName { method, path }
}

impl Found {
    /// The route of this path that answers `method`.
    ///
    /// # Errors
    /// [`Code::MethodNotAllowed`], with the methods that are.
    pub fn with_method(&self, method: &str) -> Result<&'static Route, Problem> {
        let wanted = if method == "HEAD" { "GET" } else { method };
        self.routes.iter().copied().find(|route| route.method == wanted).ok_or_else(|| Problem {
            allow: Some(self.allow()),
            ..Problem::new(Code::MethodNotAllowed, format!("This route answers {}.", self.allow()))
        })
    }

    /// The methods of this path, as the `Allow` header lists them.
    #[must_use]
    pub fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.routes.iter().map(|route| route.method).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// Whether requests for this path are let in however much is in hand.
    #[must_use]
    pub fn is_always_open(&self) -> bool {
        self.routes.first().is_some_and(|route| route.is_always_open())
    }

    /// Whether a page of another origin may call this path.
    #[must_use]
    pub fn sharing(&self) -> Sharing {
        self.routes.first().map_or(Sharing::SameOrigin, |route| route.sharing)
    }
}

/// What stands for `{id}`; nothing for a pattern without one.
fn captured<'path>(pattern: &str, path: &'path str) -> Option<&'path str> {
    let Some((before, behind)) = pattern.split_once('{') else { return (pattern == path).then_some("") };
    let id = path.strip_prefix(before)?.strip_suffix(behind.strip_prefix("id}")?)?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}
