//! What the emulator does, as BambooHR's pages and a recorded tenant have it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end in a panic anywhere")]

use hr_emulator::{Answer, Body, Call, Company, Options};
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

/// `hunter2:x`.
const BASIC: &str = "Basic aHVudGVyMjp4";

fn company() -> Company {
    let seed = json!({
        "now": "2026-03-02T08:00:00Z",
        "company": "acme",
        "keys": ["hunter2"],
        "employees": {
            "4": {"firstName": "John", "lastName": "Doe", "employeeNumber": "9", "workEmail": "john@acme.example"},
            "12": {"firstName": "Zoë & <Co>", "supervisorEId": "4", "hireDate": "2026-03-02"},
        },
    });
    Company::from_seed(&seed, Options::default()).unwrap()
}

fn send(
    company: &mut Company,
    method: &Method,
    target: &str,
    headers: &[(http::HeaderName, &str)],
    body: &Value,
) -> Answer {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::try_from(*value).unwrap())).collect();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = body.to_string();
    company.answer(&Call { method, path, query, headers: &headers, body: body.as_bytes() })
}

fn get(company: &mut Company, target: &str) -> Answer {
    let target = format!("/api/gateway.php/acme/v1/employees/{target}");
    send(company, &Method::GET, &target, &[(AUTHORIZATION, BASIC), (ACCEPT, "application/json")], &Value::Null)
}

fn json_of(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let Body::Json(value) = answer.body else { panic!("no JSON") };
    value
}

fn control(company: &mut Company, what: &str, body: &Value) -> Answer {
    send(company, &Method::PUT, &format!("/_control/{what}"), &[], body)
}

#[test]
fn only_what_is_asked_for_is_answered_and_unknown_names_are_left_out() {
    let mut company = company();
    assert_eq!(json_of(get(&mut company, "12/")), json!({"id": "12"}));
    let record = json_of(get(&mut company, "12?fields=hireDate,terminationDate,department,shoeSize,lastChanged"));
    let expected = json!({
        "id": "12", "hireDate": "2026-03-02", "terminationDate": "0000-00-00", "department": null,
        "lastChanged": "1970-01-01T00:00:00+00:00",
    });
    assert_eq!(record, expected);
}

#[test]
fn the_supervisors_id_is_an_employee_number() {
    let record = json_of(get(&mut company(), "12/?fields=supervisor,supervisorId,supervisorEId,supervisorEmail"));
    let expected = json!({
        "id": "12", "supervisor": "Doe, John", "supervisorId": "9", "supervisorEId": "4",
        "supervisorEmail": "john@acme.example",
    });
    assert_eq!(record, expected);
}

#[test]
fn the_answer_is_xml_unless_json_is_asked_for() {
    let target = "/api/gateway.php/acme/v1/employees/12/?fields=firstName,terminationDate";
    for headers in [&[(AUTHORIZATION, BASIC)][..], &[(AUTHORIZATION, BASIC), (ACCEPT, "*/*")]] {
        let answer = send(&mut company(), &Method::GET, target, headers, &Value::Null);
        let xml = "<?xml version=\"1.0\"?>\n<employee id=\"12\"><field id=\"firstName\">Zoë &amp; &lt;Co&gt;</field>\
                   <field id=\"terminationDate\">0000-00-00</field></employee>";
        assert_eq!(answer.body, Body::Xml(xml.to_owned()));
    }
}

#[test]
fn without_the_key_nothing_is_told() {
    let target = "/api/gateway.php/acme/v1/employees/12/?fields=firstName";
    for header in ["", "Basic", "Basic !", "Basic b3RoZXI6eA==", "Bearer hunter2"] {
        let answer = send(&mut company(), &Method::GET, target, &[(AUTHORIZATION, header)], &Value::Null);
        assert_eq!((answer.status, answer.body), (401, Body::Empty), "{header}");
    }
}

#[test]
fn what_is_not_there_is_404() {
    let mut company = company();
    for id in ["99", "0", "directory"] {
        assert_eq!(get(&mut company, id).status, 404, "{id}");
    }
    let elsewhere = "/api/gateway.php/other/v1/employees/12/";
    let answer = send(&mut company, &Method::GET, elsewhere, &[(AUTHORIZATION, BASIC)], &Value::Null);
    assert_eq!(answer.status, 404);
    assert_eq!(control(&mut company, "employees", &json!({"12": null})).status, 200);
    assert_eq!(get(&mut company, "12").status, 404);
}

#[test]
fn too_many_calls_in_a_minute_must_wait_for_the_next() {
    let mut company = company();
    control(&mut company, "limits", &json!({"per_minute": 2}));
    assert_eq!([get(&mut company, "12").status, get(&mut company, "12").status], [200, 200]);
    control(&mut company, "clock", &json!({"advance_ms": 20_500}));
    let refused = get(&mut company, "12");
    assert_eq!(refused.status, 503);
    assert!(refused.headers.contains(&("retry-after", "40".to_owned())), "{refused:?}");
    control(&mut company, "limits", &json!({"status": 429}));
    assert_eq!(get(&mut company, "12").status, 429);
    control(&mut company, "clock", &json!({"advance_ms": 39_500}));
    assert_eq!(get(&mut company, "12").status, 200);
}

#[test]
fn a_change_is_readable_only_after_the_lag() {
    let mut company = company();
    control(&mut company, "limits", &json!({"lag_ms": 90_000}));
    control(&mut company, "employees", &json!({"12": {"department": "Sales"}, "13": {"firstName": "New"}}));
    let department = |company: &mut Company| json_of(get(company, "12?fields=department"))["department"].clone();
    assert_eq!(department(&mut company), Value::Null);
    assert_eq!(get(&mut company, "13").status, 404);
    control(&mut company, "clock", &json!({"advance_ms": 90_000}));
    assert_eq!(department(&mut company), "Sales");
    let record = json_of(get(&mut company, "12?fields=firstName,hireDate,lastChanged"));
    assert_eq!(record["lastChanged"], "2026-03-02T08:00:00+00:00", "the time of the change, not of its being seen");
    assert_eq!(record["hireDate"], "2026-03-02", "what was not spoken of stays");
    assert_eq!(get(&mut company, "13").status, 200);
}

#[test]
fn calls_are_listed_and_what_makes_no_sense_is_refused() {
    let mut company = company();
    get(&mut company, "12");
    get(&mut company, "99");
    let calls = json_of(send(&mut company, &Method::GET, "/_control/calls", &[], &Value::Null));
    assert_eq!(calls.as_array().unwrap().iter().map(|call| call["status"].clone()).collect::<Vec<_>>(), [200, 404]);
    for (what, body) in [
        ("limits", json!({"per_minut": 1})),
        ("limits", json!({"status": 500})),
        ("clock", json!({"now": "soon"})),
        ("clock", json!({"running": true})),
        ("employees", json!({"twelve": {}})),
        ("employees", json!({"12": 5})),
    ] {
        assert_eq!(control(&mut company, what, &body).status, 400, "{what} {body}");
    }
    assert_eq!(control(&mut company, "nothing", &json!({})).status, 404);
    assert!(Company::from_seed(&json!({"employes": {}}), Options::default()).is_err());
}
