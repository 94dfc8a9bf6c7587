//! Many rows through one SQL parameter: JSON arrays that are small enough to be bound.

use serde::Serialize;

/// Bytes of one array, unless a single row is larger: D1 binds at most 2 MB.
pub const ARRAY_BYTES: usize = 900_000;

/// Writes rows as the texts of JSON arrays, in their order, each at most [`ARRAY_BYTES`] long.
///
/// # Errors
/// When a row cannot be written as JSON.
pub fn json_arrays<T: Serialize>(rows: impl IntoIterator<Item = T>) -> serde_json::Result<Vec<String>> {
    let mut arrays: Vec<String> = Vec::new();
    for row in rows {
        let json = serde_json::to_string(&row)?;
        match arrays.last_mut() {
            Some(array) if array.len() + json.len() + 2 <= ARRAY_BYTES => {
                array.push(',');
                array.push_str(&json);
            }
            _ => {
                close(&mut arrays);
                arrays.push(format!("[{json}"));
            }
        }
    }
    close(&mut arrays);
    Ok(arrays)
}

fn close(arrays: &mut [String]) {
    if let Some(array) = arrays.last_mut() {
        array.push(']');
    }
}
