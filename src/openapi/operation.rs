//! One operation of the document: a method of a path, and all that may be sent to it and answered.

use serde_json::{Map, Value, json};

use super::schema::{described, reference};
use crate::http::problem::Code;
use crate::rest::error::ErrorCode;

/// The type of most bodies.
pub(super) const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Whose credential an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// None.
    Anyone,
    /// That of a user.
    User,
    /// That of a user or of the service.
    Known,
    /// That of the service.
    Service,
}

/// An operation, as it is put together.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    fields: Map<String, Value>,
    parameters: Vec<Value>,
    responses: Map<String, Value>,
    codes: Vec<Code>,
    errors: Vec<(u16, ErrorCode)>,
    caller: Caller,
}

impl Operation {
    /// An operation without anything.
    pub(super) fn new(id: impl Into<String>, tag: &str, summary: &str) -> Self {
        let (parameters, responses) = (Vec::new(), Map::new());
        let fields = [("operationId", Value::from(id.into())), ("tags", json!([tag])), ("summary", summary.into())];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { fields, parameters, responses, codes: Vec::new(), errors: Vec::new(), caller: Caller::Anyone }
    }

    /// More about it.
    pub(super) fn description(mut self, text: impl Into<String>) -> Self {
        self.fields.insert("description".to_owned(), Value::from(text.into()));
        self
    }

    /// Whose credential it needs.
    pub(super) fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// A parameter.
    pub(super) fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// A parameter of the query string that may be left out.
    pub(super) fn query(self, name: &str, description: &str, schema: Value) -> Self {
        self.parameter(json!({"name": name, "in": "query", "description": description, "schema": schema}))
    }

    /// A header that may be left out.
    pub(super) fn header(self, name: &str, description: &str, schema: Value) -> Self {
        self.parameter(json!({"name": name, "in": "header", "description": description, "schema": schema}))
    }

    /// What stands for `{id}` in the path; what cannot be decoded there is no route.
    pub(super) fn path_id(self, description: &str, schema: Value) -> Self {
        let parameter =
            json!({"name": "id", "in": "path", "required": true, "description": description, "schema": schema});
        self.parameter(parameter).refusals(&[Code::UnknownRoute])
    }

    /// The body, of any of these media types.
    pub(super) fn body(mut self, is_required: bool, contents: &[(&str, Value)]) -> Self {
        let content: Map<String, Value> =
            contents.iter().map(|(media_type, content)| ((*media_type).to_owned(), content.clone())).collect();
        self.fields.insert("requestBody".to_owned(), json!({"required": is_required, "content": content}));
        self.refusals(&[Code::TooLarge, Code::UnsupportedMediaType, Code::InvalidJson, Code::InvalidUtf8])
            .refusals(&[Code::NestingTooDeep, Code::InvalidType])
    }

    /// An answer without a body.
    pub(super) fn empty(self, status: u16, description: &str) -> Self {
        self.response(status, json!({"description": description}))
    }

    /// An answer in JSON.
    pub(super) fn answer(self, status: u16, description: &str, schema: Value) -> Self {
        self.response(status, json!({"description": description, "content": {JSON: {"schema": schema}}}))
    }

    /// Any other answer.
    pub(super) fn response(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status.to_string(), response);
        self
    }

    /// A header of the answers with this status.
    pub(super) fn answer_header(mut self, status: u16, name: &str, description: &str, schema: Value) -> Self {
        if let Some(Value::Object(response)) = self.responses.get_mut(&status.to_string()) {
            let headers = response.entry("headers").or_insert_with(|| json!({}));
            headers[name] = json!({"description": description, "schema": schema});
        }
        self
    }

    /// What can be asked next, of what the answer with this status made: the name of the operation, and its parameters.
    pub(super) fn link(mut self, status: u16, operation: &str, parameters: Value) -> Self {
        if let Some(Value::Object(response)) = self.responses.get_mut(&status.to_string()) {
            let links = response.entry("links").or_insert_with(|| json!({}));
            links[operation] = json!({"operationId": operation, "parameters": parameters});
        }
        self
    }

    /// Problems that it may answer with.
    pub(super) fn refusals(mut self, codes: &[Code]) -> Self {
        for code in codes {
            if !self.codes.contains(code) {
                self.codes.push(*code);
            }
        }
        self
    }

    /// Errors of the data dialect that it may answer with.
    pub(super) fn errors(self, codes: &[ErrorCode]) -> Self {
        codes.iter().fold(self, |operation, code| operation.error(code.status(), *code))
    }

    /// An error of the data dialect that it may answer with another status than usual.
    pub(super) fn error(mut self, status: u16, code: ErrorCode) -> Self {
        if !self.errors.contains(&(status, code)) {
            self.errors.push((status, code));
        }
        self
    }

    /// Adds a refusal, beside what else is answered with this status.
    fn refuse(&mut self, status: &str, refusal: Value) {
        match self.responses.get_mut(status) {
            Some(response) => {
                response["headers"] = refusal["headers"].clone();
                if let (Some(known), Value::Object(more)) = (response["content"].as_object_mut(), &refusal["content"]) {
                    known.extend(more.clone());
                }
            }
            None => drop(self.responses.insert(status.to_owned(), refusal)),
        }
    }

    /// The operation as the document has it.
    pub(super) fn into_value(mut self) -> Value {
        let in_data_dialect = !self.errors.is_empty();
        let credentials = |names: &[&str]| -> Value { names.iter().map(|name| json!({*name: []})).collect() };
        let security = match self.caller {
            Caller::Anyone => json!([{}, {"apikey": []}, {"bearer": []}]),
            Caller::User => credentials(&["bearer"]),
            Caller::Known | Caller::Service => credentials(&["apikey", "bearer"]),
        };
        self = match (in_data_dialect, self.caller) {
            (true, _) => self.errors(&[ErrorCode::InvalidCredential, ErrorCode::TooLarge, ErrorCode::Unavailable]),
            (false, caller) => {
                let operation = self.refusals(&[Code::InvalidCredential, Code::TooLarge]).refusals(&[
                    Code::Overloaded,
                    Code::StorageUnavailable,
                    Code::KeysUnavailable,
                ]);
                match caller {
                    Caller::Anyone => operation,
                    Caller::User | Caller::Known => operation.refusals(&[Code::UserRequired]),
                    Caller::Service => operation.refusals(&[Code::CredentialRequired, Code::ServiceRequired]),
                }
            }
        };
        let errors = if in_data_dialect { data_errors(&self.errors) } else { problems(&self.codes) };
        for (status, error) in errors {
            self.refuse(&status, error);
        }
        self.fields.insert("security".to_owned(), security);
        if !self.parameters.is_empty() {
            self.fields.insert("parameters".to_owned(), Value::from(self.parameters));
        }
        self.fields.insert("responses".to_owned(), Value::from(self.responses));
        Value::from(self.fields)
    }
}

/// The answers with these problems, by status, as the table of problems has them.
fn problems(codes: &[Code]) -> Map<String, Value> {
    let mut responses = Map::new();
    for code in codes {
        let status = code.status();
        let of_status: Vec<Code> = codes.iter().copied().filter(|code| code.status() == status).collect();
        let names: Vec<&str> = of_status.iter().map(|code| code.name()).collect();
        let titles: Vec<&str> = of_status.iter().map(|code| code.describe().2).collect();
        let schema = json!({
            "allOf": [reference("Problem")],
            "properties": {"status": {"const": status}, "code": {"enum": names}},
        });
        responses.insert(status.to_string(), error_response(status, &titles.join(". "), PROBLEM, &schema));
    }
    responses
}

/// The same of the data dialect.
fn data_errors(errors: &[(u16, ErrorCode)]) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, _) in errors {
        let of_status = errors.iter().filter(|(other, _)| other == status);
        let mut names: Vec<&str> = of_status.map(|(_, code)| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        let schema = json!({"allOf": [reference("DataError")], "properties": {"code": {"enum": names}}});
        responses.insert(status.to_string(), error_response(*status, &names.join(", "), JSON, &schema));
    }
    responses
}

fn error_response(status: u16, description: &str, media_type: &str, schema: &Value) -> Value {
    let mut response = json!({"description": description, "content": {media_type: {"schema": schema}}});
    let header = |name: &str, text: &str, schema: Value| json!({name: described_header(text, &schema)});
    match status {
        401 => response["headers"] = header("WWW-Authenticate", "How to say who asks.", json!({"const": "Bearer"})),
        429 | 503 => {
            let seconds = json!({"type": "integer", "minimum": 0});
            response["headers"] = header("Retry-After", "Seconds after which asking again is worth it.", seconds);
        }
        _ => {}
    }
    response
}

fn described_header(description: &str, schema: &Value) -> Value {
    described(json!({"schema": schema}), description)
}
