//! What several operations have in common is told once, among the components.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Moves parameters and answers that stand in several operations to the components, and refers to them; gives the
/// components.
pub(super) fn share(paths: &mut Value) -> Map<String, Value> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    each_part(paths, &mut |_, part| *uses.entry(part.to_string()).or_default() += 1);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut components: Map<String, Value> = Map::new();
    each_part(paths, &mut |place, part| {
        let text = part.to_string();
        if uses.get(&text).is_none_or(|uses| *uses < 2) {
            return;
        }
        let shared = components.entry(place.kind).or_insert_with(|| json!({}));
        let name = names.entry(text).or_insert_with(|| {
            let name = format!("{}_{}", place.operation, place.name);
            shared[&name] = part.clone();
            name
        });
        *part = json!({"$ref": format!("#/components/{}/{name}", place.kind)});
    });
    components
}

/// Where a parameter or an answer stands.
struct Place<'a> {
    kind: &'static str,
    operation: &'a str,
    name: &'a str,
}

fn each_part(paths: &mut Value, visit: &mut dyn FnMut(&Place<'_>, &mut Value)) {
    let methods = paths.as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in methods.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            visit(&Place { kind: "parameters", operation: &id, name: &name }, parameter);
        }
        for (status, response) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
            visit(&Place { kind: "responses", operation: &id, name: status }, response);
        }
    }
}
