//! The only folder that knows Cloudflare.
use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, State, durable_object, event};

#[event(fetch)]
async fn fetch(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::ok("ok")
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, _env: Env, _context: ScheduleContext) {}

#[durable_object(alarm)]
struct PromptCounter {
    state: State,
}
impl worker::DurableObject for PromptCounter {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }
    async fn fetch(&self, _r: Request) -> Result<Response> {
        Response::ok(self.state.id().to_string())
    }
    async fn alarm(&self) -> Result<Response> {
        Response::empty()
    }
}
