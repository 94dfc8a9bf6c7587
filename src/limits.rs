//! Every bound on what a caller may send, in one place.

use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Bytes of a request's header block, as HTTP/1.1 writes it.
pub const HEADER_BLOCK_BYTES: usize = 16 * 1024;
/// Bytes of a JSON request body.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Bytes that are read of the body of a request that is refused: a sender whose body is left unread loses the connection
/// before the answer arrives.
pub const DISCARDED_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a body that the runtime reads by itself when nobody else does.
pub const UNREAD_BYTES: usize = 32 * 1024;
/// Events in one request.
pub const BATCH_EVENTS: usize = 500;
/// Levels of arrays and objects in a JSON body.
pub const NESTING_LEVELS: usize = 64;
/// Fields of one JSON object whose fields are read one by one: no event and no row has as many.
pub const OBJECT_FIELDS: usize = 64;
/// Characters of a user's e-mail address (RFC 5321: 64 before the at sign, 255 after it).
pub const EMAIL_CHARS: usize = 320;
/// Characters of an event's id and of an `Idempotency-Key`.
pub const EVENT_ID_CHARS: usize = 64;
/// Characters of a key that a caller chooses: session, experiment, project, variant, view, comparison, visitor, slug, and
/// what a prompt was used for: post, character, job, scene, environment, outfit.
pub const KEY_CHARS: usize = 128;
/// Bytes that are read of a user agent.
pub const USER_AGENT_BYTES: usize = 1024;
/// Bytes of the tags of a prompt or a template, as JSON text.
pub const TAGS_BYTES: usize = 16_000;
/// Bytes of an experiment event's `properties`, as JSON text.
pub const PROPERTIES_BYTES: usize = 4096;
/// Characters of the name of what a conversion measures.
pub const METRIC_CHARS: usize = 64;
/// The largest value, in either direction, that a conversion may measure: sums of squares of a session's stay finite.
pub const METRIC_VALUE: u32 = 1_000_000_000;
/// Names of metrics that the conversions of one experiment may have.
pub const EXPERIMENT_METRICS: usize = 100;
/// Measurements of one session that are kept.
pub const SESSION_MEASUREMENTS: usize = 250;
/// Metrics of which measurements of one session are kept: what a session comes down to is read with the next event of it.
pub const SESSION_METRICS: usize = 16;
/// The longest generation time of a use, in milliseconds: a day.
pub const GENERATION_TIME_MS: i64 = DAY_MS;
/// Bytes of a use's error message.
pub const ERROR_MESSAGE_BYTES: usize = 2048;
/// How long before now an event may have happened, in milliseconds.
pub const EVENT_PAST_MS: i64 = 48 * HOUR_MS;
/// How far ahead of now a caller's clock may be, in milliseconds.
pub const EVENT_FUTURE_MS: i64 = 5 * MINUTE_MS;
/// Bytes of one stored prompt (D1 refuses rows of more than 2 MB).
pub const STORED_ROW_BYTES: usize = 1_900_000;
/// Bytes of one line of an import: a row has at most 2 MB, of which each byte may be written as six.
pub const IMPORT_LINE_BYTES: usize = 13 * 1024 * 1024;
/// Refused lines that an import lists; further ones are only counted.
pub const IMPORT_REFUSALS_LISTED: usize = 1000;
/// Pages and counters that one answer of an export asks for, unless the caller says fewer: of the 1,000 queries that a request may
/// send to D1 on Cloudflare's paid plan.
pub const EXPORT_CALLS: i64 = 900;
/// The fewest that a caller may say.
pub const LEAST_EXPORT_CALLS: i64 = 10;
/// Answers that a prompt is made with.
pub const PROMPT_ANSWERS: usize = 200;
/// Prompts of one line of forks, from the root to the last: what a fork is counted goes to all above it.
pub const LINEAGE_PROMPTS: usize = 64;
/// Levels of forks below a prompt that one answer tells.
pub const LINEAGE_DEPTH: i64 = 5;
/// Forks of one prompt that one answer tells.
pub const LINEAGE_BREADTH: i64 = 50;
/// Forks that one answer tells in all.
pub const LINEAGE_NODES: usize = 500;
/// Prompts of one comparison that are paired with each other.
pub const COMPARED_PROMPTS: usize = 32;
/// Pairs of one prompt, the strongest first, that are looked at for those that a caller may see.
pub const COMPARED_PAIRS: usize = 500;
/// How long a prompt that was made under a key is known by it, in milliseconds.
pub const CREATION_KEY_MS: i64 = 24 * HOUR_MS;
/// Characters of an experiment's name.
pub const EXPERIMENT_NAME_CHARS: usize = 200;
/// Characters of an experiment's hypothesis.
pub const HYPOTHESIS_CHARS: usize = 2000;
/// Variants of an experiment, also of one that is only evaluated.
pub const VARIANTS: usize = 100;
/// How far the sum of the weights of variants may be from 1, and what adding them up may lose.
pub const WEIGHTS_TOLERANCE: f64 = 1e-6 + 1e-12;
/// Hours after its first exposure in which a session can convert, where an experiment bounds them: a year.
pub const CONVERSION_WINDOW_HOURS: i64 = 365 * 24;
/// Rows of one page of a list.
pub const PAGE_ROWS: i64 = 100;
/// Prompts whose stats are told in one answer.
pub const STATS_PROMPTS: usize = 100;
/// Characters of the label of a badge.
pub const BADGE_LABEL_CHARS: usize = 100;
/// Listeners to the live counts of one prompt, unless `LIVE_LISTENERS` says another number.
pub const LIVE_LISTENERS: usize = 5000;
/// Requests that an isolate has in hand, unless `REQUESTS_IN_HAND` says another number. A place stands for 16 KiB of a body at the
/// most, so bodies in hand are 32 MiB together, and 16 MiB more are being read before they are (`entry.js`): with both three eighths of
/// what an isolate of Cloudflare may have.
pub const REQUESTS_IN_HAND: usize = 2048;
/// Characters of the id of an event of a stream: six counts of up to 20 digits.
pub const EVENT_STREAM_ID_CHARS: usize = 128;
/// Prompts that one request names to take back what a source added to their counts.
pub const RETRACTED_PROMPTS: usize = 100;
/// Characters of a title that a list tells.
pub const LIST_CHARS: i64 = 1000;
/// Rows that one read of the data dialect gives.
pub const READ_ROWS: i64 = 1000;
/// Rows of one embedded table that one read gives, over all rows that they are embedded in.
pub const EMBEDDED_ROWS: i64 = 10_000;
/// Rows that one request of the data dialect writes.
pub const WRITTEN_ROWS: usize = 10_000;
/// Tables that one query embeds.
pub const EMBEDDED_TABLES: usize = 16;
/// Tables that are embedded within each other: with each level statements nest deeper, of which D1 bears 100.
pub const EMBED_NESTING: usize = 3;
/// Of those, how many may be `!inner`, one within the other: each looks for all that are within it.
pub const INNER_NESTING: usize = 2;
/// Fields that one query selects, over all of its tables.
pub const SELECTED_FIELDS: usize = 256;
/// Conditions of one query.
pub const CONDITIONS: usize = 300;
/// Groups of conditions within each other: with [`CONDITIONS`] and a folded pattern, less than D1's depth of 100.
pub const CONDITION_NESTING: usize = 10;
/// Bytes of one statement: D1 takes 100 KB.
pub const STATEMENT_BYTES: usize = 100_000;
/// Columns that one statement gives, beside a row's place and its bytes: D1 gives 100.
pub const STATEMENT_COLUMNS: usize = 98;
/// Bytes of the texts that one answer gives: an isolate has 128 MB, and holds an answer several times.
pub const ANSWER_BYTES: i64 = 16_000_000;
/// Bytes by which one update changes rows: those of its values, once for each row.
pub const CHANGED_BYTES: i64 = 16_000_000;
/// Bytes of an answer of the data dialect.
pub const WRITTEN_BYTES: usize = 20_000_000;
/// Bytes of one parameter of a statement: D1 takes 2 MB.
pub const PARAMETER_BYTES: usize = 1_900_000;
/// Rows with a key of several columns that are read anew to be told.
pub const REREAD_ROWS: usize = 200;
/// Values of one list (`in`).
pub const LISTED_VALUES: usize = 10_000;
/// Columns by which a query is ordered.
pub const ORDER_COLUMNS: usize = 16;
/// Points of one series.
pub const SERIES_POINTS: usize = 10_000;
/// Days of one funnel.
pub const FUNNEL_DAYS: usize = 1000;
/// Characters of the name of a time zone.
pub const TIME_ZONE_CHARS: usize = 64;
/// Characters of a search's `q`.
pub const SEARCH_CHARS: usize = 1000;
/// Words that are read of a text that is searched for: of one of 1,000 characters that stand alone, all.
pub const QUERY_WORDS: usize = 1000;
/// Phrases of one text query.
pub const QUERY_PHRASES: usize = 64;
/// Parentheses and negations around a word of a text query.
pub const QUERY_NESTING: usize = 16;
/// Phrases of a search for templates: of 200 characters that stand alone, each pair of neighbours.
pub const SEARCH_PHRASES: usize = 256;
/// Sessions of a variant that is evaluated.
pub const VARIANT_SESSIONS: u64 = 1_000_000_000_000;
