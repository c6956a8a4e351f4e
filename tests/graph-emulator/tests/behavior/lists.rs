use serde_json::{Value, json};

use crate::stage::*;

#[test]
fn pages_follow_each_other_without_gaps_even_while_people_leave() {
    let mut tenant = demo();
    let mut seen = Vec::new();
    let mut target = "/users?$top=9&$select=id&$filter=userType eq 'Member'".to_owned();
    loop {
        let page = get(&mut tenant, &target);
        seen.extend(ids(&page));
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        assert!(next.contains("$skiptoken") || next.contains("%24skiptoken"));
        target = next.split_once("/v1.0").unwrap().1.to_owned();
        let gone = seen.first().unwrap().clone();
        ask(&mut tenant, &format!("DELETE /users/{gone}"), &Value::Null);
    }
    let all: Vec<String> = (1..=40).map(|n| format!("20000000-0000-4000-8000-{n:012}")).collect();
    assert_eq!(seen, all);
}

#[test]
fn counting_needs_the_header_and_is_ignored_without_it() {
    let mut tenant = demo();
    assert_eq!(get(&mut tenant, "/users?$count=true").get("@odata.count"), None);
    assert_eq!(get_advanced(&mut tenant, "/users?$count=true")["@odata.count"], 41);
    bad(&mut tenant, "GET /users/$count", &Value::Null, "$count is not currently supported.");
    let count = ask_with(&mut tenant, "GET /groups/$count", &[("consistencylevel", "eventual")], &Value::Null);
    assert_eq!(count.body, graph_emulator::Body::Text("14".into()));
}

#[test]
fn advanced_filters_need_the_header_and_the_count() {
    let mut tenant = demo();
    for filter in [
        "department ne 'Sales'",
        "companyName eq 'Fabrikam'",
        "endsWith(mail,'fabrikam.example')",
        "department eq null",
    ] {
        let target = format!("/users?$filter={filter}");
        refused(&mut tenant, &format!("GET {target}"), &Value::Null, 400, "Request_UnsupportedQuery", "");
        let answer = ask_with(&mut tenant, &format!("GET {target}"), &[("consistencylevel", "eventual")], &Value::Null);
        assert_eq!(answer.status, 400, "{filter}");
        get_advanced(&mut tenant, &format!("{target}&$count=true"));
    }
}

#[test]
fn people_are_found_by_what_the_directory_indexes() {
    let mut tenant = demo();
    for (filter, count) in [
        ("employeeId eq 'C1006'", 1),
        ("department eq 'sales'", 7),
        ("startsWith(displayName,'M')", 6),
        ("proxyAddresses/any(p:p eq 'SMTP:bram.jansen@contoso.example')", 1),
        ("userType eq 'Guest'", 1),
        ("onPremisesSyncEnabled eq true", 2),
        (&format!("assignedLicenses/any(x:x/skuId eq {E5})"), 5),
        ("accountEnabled eq true and (country eq 'VN' or country eq 'CN')", 7),
        (&format!("manager/id eq '{LENA}'"), 6),
        (&format!("id in ('{LENA}','{BRAM}','{NOBODY}')"), 2),
        ("createdDateTime ge 2024-01-01T00:00:00Z", 7),
    ] {
        assert_eq!(ids(&get(&mut tenant, &format!("/users?$top=999&$filter={filter}"))).len(), count, "{filter}");
    }
}

#[test]
fn sorting_and_searching() {
    let mut tenant = demo();
    let names = get(&mut tenant, "/users?$orderby=displayName desc&$top=2&$select=displayName");
    assert_eq!(names["value"], json!([{"displayName": "Yan Liu"}, {"displayName": "Wei Zhang"}]));
    let next = names["@odata.nextLink"].as_str().unwrap().split_once("/v1.0").unwrap().1.to_owned();
    assert_eq!(get(&mut tenant, &next)["value"][0]["displayName"], "Tomasz Lewandowski");
    check(&mut tenant, "GET /users?$orderby=displayName&$filter=department eq 'HR'", &Value::Null, 400);
    get_advanced(&mut tenant, "/users?$orderby=displayName&$filter=department eq 'HR'&$count=true");
    refused(&mut tenant, "GET /users?$search=\"displayName:lena\"", &Value::Null, 400, "Request_UnsupportedQuery", "");
    assert_eq!(ids(&get_advanced(&mut tenant, "/users?$search=\"displayName:sch\"")).len(), 2);
    let odd = ask_with(&mut tenant, "GET /users?$search=lena", &[("consistencylevel", "eventual")], &Value::Null);
    assert_eq!(odd.status, 400);
}

#[test]
fn expansion_and_sign_in_activity_have_their_limits() {
    let mut tenant = demo();
    let staff = get(&mut tenant, &format!("/groups/{ALL_STAFF}?$expand=members"));
    assert_eq!(staff["members"].as_array().unwrap().len(), 20);
    let answer = ask_with(
        &mut tenant,
        "GET /users?$expand=manager&$count=true",
        &[("consistencylevel", "eventual")],
        &Value::Null,
    );
    assert_eq!(answer.status, 400);
    check(&mut tenant, "GET /users?$select=id,signInActivity&$top=501", &Value::Null, 400);
    check(&mut tenant, "GET /users?$select=id,signInActivity&$top=500", &Value::Null, 200);
    refused(
        &mut tenant,
        "GET /users?$filter=contains(displayName,'a')",
        &Value::Null,
        400,
        "Request_UnsupportedQuery",
        "",
    );
    check(&mut tenant, "GET /users?$expand=photo", &Value::Null, 400);
}

#[test]
fn objects_are_read_by_bare_id() {
    let mut tenant = demo();
    assert_eq!(get(&mut tenant, &format!("/directoryObjects/{BRAM}"))["@odata.type"], "#microsoft.graph.user");
    let found = done(&mut tenant, "POST /directoryObjects/getByIds", &json!({"ids": [BRAM, NOBODY, SALES]}));
    assert_eq!(ids(&found), [BRAM, SALES]);
    let found =
        done(&mut tenant, "POST /directoryObjects/getByIds", &json!({"ids": [BRAM, SALES], "types": ["group"]}));
    assert_eq!(ids(&found), [SALES]);
    check(&mut tenant, "POST /directoryObjects/getByIds", &json!({"ids": vec![BRAM; 1001]}), 400);
}

#[test]
fn what_is_not_built_says_so() {
    let mut tenant = demo();
    refused(&mut tenant, "GET /me", &Value::Null, 400, "BadRequest", "Resource not found for the segment 'me'.");
    refused(&mut tenant, "PUT /users", &Value::Null, 405, "Request_BadRequest", "Specified HTTP method is not allowed");
}

#[test]
fn the_tenant_describes_itself() {
    let mut tenant = demo();
    let organization = get(&mut tenant, "/organization");
    assert_eq!(organization["value"][0]["verifiedDomains"][0]["name"], "contoso.example");
    assert_eq!(ids(&get(&mut tenant, "/domains")), ["contoso.example", "contoso.onmicrosoft.example"]);
    assert_eq!(get(&mut tenant, "/domains/contoso.example")["isVerified"], true);
}
