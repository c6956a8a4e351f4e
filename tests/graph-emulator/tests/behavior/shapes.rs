//! Every served route answers in the shape that Microsoft's OpenAPI description gives it. The description is a subset made
//! for these calls (`data/v1.0-subset.yaml`, which names its sources).

use std::collections::BTreeSet;

use graph_emulator::{Body, Tenant, served};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::stage::*;

/// Served routes that the description does not hold, each with the reason why its shape is not checked here.
const UNDESCRIBED: &[(&str, &str, &str)] = &[
    ("GET", "/users/{id}/authentication/methods", "the subset holds Temporary Access Passes only"),
    ("DELETE", "/users/{id}/authentication/{kind}/{method}", "one route for eight; answers nothing"),
    ("POST", "/users/{id}/restore", "answers an error only: deleted people are not among the users"),
    ("GET", "/directory/deletedItems", "answers an error only: a cast is required"),
    ("DELETE", "/groups/{id}/members/{member}", "not an operation Graph describes; it is the trap of a forgotten $ref"),
    ("GET", "/directoryObjects/{id}", "not in the subset; checked by its type"),
    ("GET", "/domains/{id}", "not in the subset"),
    ("GET", "/applications/{id}/extensionProperties", "not in the subset"),
    ("POST", "/applications/{id}/extensionProperties", "not in the subset"),
];

/// Served routes whose generated description is known to be wrong.
const MISDESCRIBED: &[(&str, &str, &str)] = &[
    ("GET", "/users/{id}/manager/$ref", "described as a bare string; OData answers an object with @odata.id"),
    ("GET", "/groups/{id}/members/$ref", "described as strings; OData answers objects with @odata.id"),
    ("GET", "/groups/{id}/owners/$ref", "described as strings; OData answers objects with @odata.id"),
];

/// One call: method, pattern, target, body.
type Example = (&'static str, &'static str, &'static str, Value);

/// The calls of `data/route-examples.txt`.
fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for line in include_str!("../../data/route-examples.txt").lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix("  "), examples.last_mut()) {
            (None, _) => {
                let (method, pattern) = line.split_once(' ').unwrap();
                examples.push((method, pattern, "", Value::Null));
            }
            (Some(rest), Some(example)) if example.2.is_empty() => example.2 = rest,
            (Some(rest), Some(example)) => example.3 = serde_json::from_str(rest).unwrap(),
            (Some(_), None) => panic!("a target before any route"),
        }
    }
    examples
}

#[test]
fn every_answer_has_the_shape_that_the_description_gives_it() {
    let description = Description::load();
    let mut tenant = demo();
    let mut asked = BTreeSet::new();
    let mut pass = String::new();
    for (method, pattern, target, body) in examples() {
        asked.insert((method, pattern));
        let line = format!("{method} {}", target.replace("{pass}", &pass));
        let answer = ask_with(&mut tenant, &line, &[("consistencylevel", "eventual")], &body);
        if pattern.ends_with("temporaryAccessPassMethods") && method == "POST" {
            answer.value()["id"].as_str().unwrap().clone_into(&mut pass);
        }
        if answer.status >= 400 {
            let only_errors = |(own, path, reason): &(&str, &str, &str)| {
                (*own, *path) == (method, pattern) && reason.starts_with("answers an error only")
            };
            assert!(UNDESCRIBED.iter().any(only_errors), "{line}: {:?}", answer.body);
            description.check_error(&line, answer.value());
            continue;
        }
        if MISDESCRIBED.iter().any(|(own, path, _)| (*own, *path) == (method, pattern)) {
            assert!(
                answer.value().to_string().contains("\"@odata.id\":\"http://localhost/v1.0/directoryObjects/"),
                "{line}"
            );
            continue;
        }
        let described = description.check(&line, method, pattern, answer.status, &answer.body);
        let exempt = UNDESCRIBED.iter().any(|(own, path, _)| (*own, *path) == (method, pattern));
        assert_ne!(described, exempt, "{method} {pattern}: described, or exempt with a reason; never both");
    }
    let all: BTreeSet<_> = served().collect();
    assert_eq!(asked, all, "every served route has an example");
}

#[test]
fn every_refusal_has_the_shape_of_an_error() {
    let description = Description::load();
    let mut tenant = demo();
    done(&mut tenant, "PUT /_control/faults", &json!([{"match": {"path": "/organization"}, "action": "throttle"}]));
    for (line, body) in [
        ("GET /organization", Value::Null),
        ("GET /me", Value::Null),
        ("PUT /users", Value::Null),
        ("GET /users?$top=0", Value::Null),
        ("GET /users?$filter=x", Value::Null),
        ("POST /users", person(&json!({"userPrincipalName": "bram.jansen@contoso.example"}))),
        ("POST /$batch", json!({})),
    ] {
        let answer = ask(&mut tenant, line, &body);
        assert!(answer.status >= 400, "{line}");
        description.check_error(line, answer.value());
    }
}

/// The OpenAPI document, turned into JSON Schema.
struct Description {
    document: Value,
    definitions: Map<String, Value>,
}

impl Description {
    fn load() -> Self {
        let document: Value = serde_yaml_ng::from_str(include_str!("../../data/v1.0-subset.yaml")).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let definitions = schemas.iter().map(|(name, schema)| (name.clone(), flatten(schema, schemas))).collect();
        Self { document, definitions }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = convert(schema);
        schema["$defs"] = Value::Object(self.definitions.clone());
        jsonschema::draft202012::new(&schema).unwrap()
    }

    /// Whether the route is described; if so, its answer must fit.
    fn check(&self, line: &str, method: &str, pattern: &str, status: u16, body: &Body) -> bool {
        let Some(operation) = self.operation(method, pattern) else { return false };
        let responses = operation["responses"].as_object().unwrap();
        let exact = status.to_string();
        let response = responses.get(&exact).or_else(|| responses.get("2XX"));
        let response = self.resolve(response.unwrap_or_else(|| panic!("{line}: {status} is not described")));
        let content = response["content"].as_object();
        match (body, content) {
            (Body::Empty, None) => {}
            // Described as a success with the updated object, answered without one: the reference pages say 204.
            (Body::Empty, Some(_)) => assert_eq!(status, 204, "{line}"),
            (Body::Text(text), Some(content)) => {
                let number: i64 = text.parse().unwrap();
                self.fits(line, &content["text/plain"]["schema"], &json!(number));
            }
            (body @ (Body::Json(_) | Body::Written(_)), Some(content)) => {
                let body = json_of(body);
                self.fits(line, &content["application/json"]["schema"], body);
                self.fits_types(line, body);
            }
            (body, None) => panic!("{line}: {body:?} is not described"),
        }
        true
    }

    fn check_error(&self, line: &str, body: &Value) {
        self.fits(line, &json!({"$ref": "#/components/schemas/microsoft.graph.ODataErrors.ODataError"}), body);
    }

    fn fits(&self, line: &str, schema: &Value, body: &Value) {
        let problems: Vec<String> = self
            .validator(schema)
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{line}: {problems:#?}");
    }

    /// Every object that names its type fits that type, wherever it is.
    fn fits_types(&self, line: &str, body: &Value) {
        let children: Vec<&Value> = match body {
            Value::Object(members) => members.values().collect(),
            Value::Array(items) => items.iter().collect(),
            _ => return,
        };
        for child in children {
            self.fits_types(line, child);
        }
        let name = body.get("@odata.type").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
        if let Some(name) = name.filter(|name| self.definitions.contains_key(*name)) {
            self.fits(line, &json!({"$ref": format!("#/components/schemas/{name}")}), body);
        }
    }

    /// The operation behind a route; names of variable segments do not matter.
    fn operation(&self, method: &str, pattern: &str) -> Option<&Value> {
        let shape = |path: &str| {
            path.split('/').map(|s| if s.starts_with('{') { "{}".to_owned() } else { s.to_owned() }).collect::<Vec<_>>()
        };
        let paths = self.document["paths"].as_object().unwrap();
        let (_, item) = paths.iter().find(|(path, _)| shape(path) == shape(pattern))?;
        item.get(method.to_lowercase())
    }

    fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }
}

fn json_of(body: &Body) -> &Value {
    match body {
        Body::Json(value) => value,
        Body::Written(written) => written.value(),
        Body::Empty | Body::Text(_) => panic!("not JSON: {body:?}"),
    }
}

/// A schema with its bases folded in. Unknown members are refused, except annotations and directory extensions; the
/// description itself allows any, which would check nothing.
fn flatten(schema: &Value, schemas: &Map<String, Value>) -> Value {
    let mut properties = Map::new();
    gather(schema, schemas, &mut properties);
    if properties.is_empty() {
        return convert(schema);
    }
    let mut flat = json!({
        "type": "object",
        "properties": properties,
        "patternProperties": {"@odata\\.": {}, "@delta$": {"type": "array"}, "^@removed$": {"type": "object"}, "^extension_[0-9a-f]{32}_": {}},
        "additionalProperties": false,
    });
    if let Some(required) = schema.get("required") {
        flat["required"] = required.clone();
    }
    flat
}

fn gather(schema: &Value, schemas: &Map<String, Value>, properties: &mut Map<String, Value>) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        match part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            Some(base) => gather(&schemas[base], schemas, properties),
            None => gather(part, schemas, properties),
        }
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        properties.insert(name.clone(), convert(property));
    }
}

/// OpenAPI 3.0 to JSON Schema: `nullable`, references, and the any-member clause.
fn convert(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else { return schema.clone() };
    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap();
        // A reference to a base type stands for any type derived from it: `fits_types` looks closer. Complex properties and
        // relations may be null although 3.0 has no way to say so beside a reference.
        return match name {
            "microsoft.graph.directoryObject" => json!({"type": ["object", "null"]}),
            _ => json!({"anyOf": [{"$ref": format!("#/$defs/{name}")}, {"type": "null"}]}),
        };
    }
    let mut converted = Map::new();
    for (name, value) in members {
        let value = match name.as_str() {
            "nullable" | "additionalProperties" | "discriminator" | "description" | "title" | "example" | "default" => {
                continue;
            }
            "type" if members.get("nullable") == Some(&json!(true)) => json!([value, "null"]),
            "properties" => value.as_object().unwrap().iter().map(|(name, own)| (name.clone(), convert(own))).collect(),
            "items" => convert(value),
            "allOf" | "anyOf" | "oneOf" => value.as_array().unwrap().iter().map(convert).collect(),
            _ => value.clone(),
        };
        converted.insert(name.clone(), value);
    }
    Value::Object(converted)
}

#[test]
fn the_check_itself_sees_wrong_types_and_unknown_members() {
    let description = Description::load();
    let fits = |body: &Value| {
        description.validator(&json!({"$ref": "#/components/schemas/microsoft.graph.user"})).is_valid(body)
    };
    assert!(fits(&json!({"id": BRAM, "accountEnabled": true, "department": null})));
    assert!(!fits(&json!({"id": BRAM, "accountEnabled": "yes"})));
    assert!(!fits(&json!({"id": BRAM, "shoeSize": 44})));
    assert!(!fits(&json!({"assignedLicenses": [{"skuId": "E3"}]})));
}

#[test]
fn reasons_stand_only_beside_routes_that_are_served() {
    let all: BTreeSet<_> = served().collect();
    for (method, pattern, reason) in UNDESCRIBED.iter().chain(MISDESCRIBED) {
        assert!(all.contains(&(*method, *pattern)) && !reason.is_empty(), "{method} {pattern}");
    }
    assert_eq!(Tenant::demo_seed().unwrap()["users"].as_array().unwrap().len(), 41);
}
