//! A strict reader of the part of JSON Schema that the published schema uses. It fails on a word
//! that it does not know.

use serde_json::Value;

/// Returns what is wrong with `value`, each problem with its path.
pub(crate) fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let mut reader = Reader { root: schema, mistakes: Vec::new() };
    reader.check(schema, value, "$");
    reader.mistakes
}

struct Reader<'s> {
    root: &'s Value,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn check(&mut self, schema: &Value, value: &Value, path: &str) {
        for (word, rule) in schema.as_object().expect("a schema is an object") {
            match word.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" => {}
                "const" => self.must(value == rule, path, value, word, rule),
                "enum" => {
                    self.must(rule.as_array().unwrap().contains(value), path, value, word, rule);
                }
                "type" => {
                    let types = rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice);
                    let is = types.iter().any(|t| is_of(t.as_str().unwrap(), value));
                    self.must(is, path, value, word, rule);
                }
                "minimum" => {
                    let least = rule.as_u64().unwrap();
                    let is = !value.is_number() || value.as_u64().is_some_and(|n| n >= least);
                    self.must(is, path, value, word, rule);
                }
                "minLength" => self.must(value != "", path, value, word, rule),
                "pattern" => {
                    assert_eq!(rule, "^.*:[0-9]+(:[0-9]+)?$");
                    let is = value.as_str().is_none_or(is_place);
                    self.must(is, path, value, word, rule);
                }
                "required" => {
                    for name in rule.as_array().unwrap() {
                        let is = value.get(name.as_str().unwrap()).is_some();
                        self.must(is, path, value, word, name);
                    }
                }
                "additionalProperties" => {
                    assert_eq!(rule, &Value::Bool(false));
                    for name in value.as_object().into_iter().flat_map(|object| object.keys()) {
                        let is = schema["properties"].get(name).is_some();
                        self.must(is, path, &name.as_str().into(), word, rule);
                    }
                }
                "properties" => {
                    for (name, rule) in rule.as_object().unwrap() {
                        if let Some(value) = value.get(name) {
                            self.check(rule, value, &format!("{path}.{name}"));
                        }
                    }
                }
                "items" => {
                    for (i, value) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, value, &format!("{path}[{i}]"));
                    }
                }
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    let root = self.root;
                    self.check(&root["$defs"][name], value, path);
                }
                _ => panic!("the schema has a word that this test does not know: {word}"),
            }
        }
    }

    fn must(&mut self, is: bool, path: &str, value: &Value, word: &str, rule: &Value) {
        if !is {
            self.mistakes.push(format!("{path}: {value} breaks {word} {rule}"));
        }
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => panic!("the schema has a type that this test does not know: {kind}"),
    }
}

fn is_place(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(file, number)| {
        !file.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}
