//! The loop against scripted answers: no socket, no sleep.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::{
    error::Refusal,
    ids::{GroupId, UserId},
    request,
    token::TokenError,
};

/// What a scripted Graph says next.
#[derive(Clone)]
pub(crate) struct Scripted(Attempt);

pub(crate) fn answer(status: u16, body: &Value) -> Scripted {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    Scripted(Ok(response))
}

pub(crate) fn lost(kind: LostKind) -> Scripted {
    Scripted(Err(Lost::new(kind)))
}

impl Scripted {
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        if let Ok(response) = &mut self.0 {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        self
    }
}

/// A Graph that says what the script says, a clock that moves only when somebody waits, tokens `t1`, `t2`, ….
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    script: VecDeque<Scripted>,
    forever: Option<Scripted>,
    calls: Vec<http::Request<Bytes>>,
    now_ms: i64,
    waited_ms: u128,
    forgotten: u32,
    tokens_fail: bool,
}

impl Script {
    pub(crate) fn new(script: impl IntoIterator<Item = Scripted>) -> Self {
        let this = Self::default();
        this.state().script = script.into_iter().collect();
        this
    }

    pub(crate) fn forever(answer: Scripted) -> Self {
        let this = Self::default();
        this.state().forever = Some(answer);
        this
    }

    pub(crate) fn client(&self) -> Client {
        self.client_in(Lane::Ordinary, Arc::default())
    }

    fn client_in(&self, lane: Lane, pace: Arc<Pace>) -> Client {
        let base_url = Url::parse("https://graph.test/v1.0").unwrap();
        let config = Config { base_url, retry: Policy::default(), lane };
        let clock = self.clone();
        let inputs = Inputs {
            now: Arc::new(move || Timestamp::from_millisecond(1_767_600_000_000 + clock.state().now_ms).unwrap()),
            random: Arc::new(|| 0),
            sleep: Arc::new(self.clone()),
        };
        Client::new(config, Arc::new(self.clone()), Arc::new(self.clone()), pace, inputs).unwrap()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        let line = |call: &http::Request<Bytes>| format!("{} {}", call.method(), call.uri().path_and_query().unwrap());
        self.state().calls.iter().map(line).collect()
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.state().calls.iter().map(|call| serde_json::from_slice(call.body()).unwrap()).collect()
    }

    pub(crate) fn waited_ms(&self) -> u128 {
        self.state().waited_ms
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.state().now_ms += ms;
    }

    fn headers(&self, call: usize) -> HeaderMap {
        self.state().calls[call].headers().clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: http::Request<Bytes>) -> Attempt {
        let mut state = self.state();
        state.calls.push(request);
        let next = state.script.pop_front().or_else(|| state.forever.clone());
        next.expect("a call that the script does not have").0
    }
}

#[async_trait]
impl Tokens for Script {
    async fn token(&self) -> Result<Secret, TokenError> {
        let state = self.state();
        if state.tokens_fail {
            return Err(TokenError::Timeout);
        }
        Ok(Secret::new(format!("t{}", state.forgotten + 1)))
    }

    fn forget(&self) {
        self.state().forgotten += 1;
    }
}

#[async_trait]
impl Sleep for Script {
    async fn sleep(&self, duration: Duration) {
        let mut state = self.state();
        state.waited_ms += duration.as_millis();
        state.now_ms += i64::try_from(duration.as_millis()).unwrap();
    }
}

fn user() -> UserId {
    UserId::from("u")
}

fn group() -> GroupId {
    GroupId::from("g")
}

#[tokio::test]
async fn every_request_names_itself_and_carries_the_token() {
    let script = Script::new([answer(200, &json!({"id": "u"})), answer(204, &Value::Null)]);
    let client = script.client();
    assert_eq!(client.get_user(&user(), &[]).await.unwrap().unwrap().id, user());
    client.add_member(&group(), &user()).await.unwrap();

    let headers = script.headers(0);
    assert_eq!(headers["authorization"], "Bearer t1");
    assert_eq!(headers["client-request-id"].to_str().unwrap().len(), 36);
    assert!(!headers.contains_key("content-type"));
    assert!(!format!("{headers:?}").contains("t1"), "the token does not print");
    assert_eq!(script.headers(1)["content-type"], "application/json");
}

#[tokio::test]
async fn who_is_not_there_is_none_and_not_an_error() {
    let body = json!({"error": {"code": "Request_ResourceNotFound", "message": "Resource 'u' does not exist."}});
    let script = Script::new([answer(404, &body), answer(404, &Value::Null)]);
    let client = script.client();
    assert_eq!(client.get_user(&user(), &[]).await.unwrap(), None);
    let error = client.get_user(&user(), &[]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "/users/{id}: 404: a refusal we do not know",
        "a 404 of somebody else proves nothing"
    );
}

#[tokio::test]
async fn a_throttled_write_waits_a_little_and_goes_again() {
    let script = Script::new([answer(429, &json!({})).with("retry-after", "1.25"), answer(204, &Value::Null)]);
    script.client().add_member(&group(), &user()).await.unwrap();
    assert_eq!(script.waited_ms(), 1_250);
    assert_eq!(script.calls().len(), 2);
}

#[tokio::test]
async fn a_throttle_that_names_no_time_is_backed_off_from() {
    let script = Script::new([answer(429, &json!({})), answer(429, &json!({})), answer(204, &Value::Null)]);
    script.client().add_member(&group(), &user()).await.unwrap();
    assert_eq!(script.waited_ms(), 125 + 250);
}

#[tokio::test]
async fn a_long_throttle_is_handed_on_and_nothing_is_sent_meanwhile() {
    let throttled = answer(429, &json!({"error": {"code": "TooManyRequests"}}))
        .with("retry-after", "60")
        .with("x-ms-throttle-scope", "Tenant_Application/Write/app/tenant");
    let script = Script::new([throttled, answer(200, &json!({"value": []})), answer(204, &Value::Null)]);
    let client = script.client();
    let error = client.add_member(&group(), &user()).await.unwrap_err();
    assert_eq!(error.to_string(), "/groups/{id}/members/$ref: throttled by Graph (writes), again in 60000 ms");

    script.advance(20_000);
    let error = client.add_member(&group(), &user()).await.unwrap_err();
    assert_eq!(error.to_string(), "/groups/{id}/members/$ref: throttled by our own pace, again in 40000 ms");
    client.domains().await.expect("reads are not throttled");
    assert_eq!(script.calls().len(), 2);

    script.advance(40_000);
    client.add_member(&group(), &user()).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_a_write_is_not_repeated_and_says_what_may_have_happened() {
    for status in [Some(504), None] {
        let first = status.map_or_else(|| lost(LostKind::Cut), |status| answer(status, &Value::Null));
        let script = Script::new([first]);
        let error = script.client().add_member(&group(), &user()).await.unwrap_err();
        assert!(error.may_have_taken_effect() && error.is_transient(), "{error}");
        assert_eq!(script.calls().len(), 1);
    }
}

#[tokio::test]
async fn an_unopened_connection_had_no_effect() {
    let script = Script::forever(lost(LostKind::Connect));
    let error = script.client().add_member(&group(), &user()).await.unwrap_err();
    assert!(!error.may_have_taken_effect() && error.is_transient());
    assert_eq!(script.calls().len(), 3);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let script = Script::new([answer(401, &Value::Null), answer(204, &Value::Null)]);
    script.client().add_member(&group(), &user()).await.unwrap();
    assert_eq!(script.headers(1)["authorization"], "Bearer t2");
    assert_eq!(script.waited_ms(), 0);

    let script = Script::forever(answer(401, &Value::Null));
    let error = script.client().add_member(&group(), &user()).await.unwrap_err();
    assert_eq!(error.to_string(), "/groups/{id}/members/$ref: not authenticated");
    assert!(!error.is_transient());
    assert_eq!(script.calls().len(), 2);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let script = Script::default();
    script.state().tokens_fail = true;
    let error = script.client().delete_user(&user()).await.unwrap_err();
    assert!(error.is_transient() && !error.may_have_taken_effect());
    assert!(script.calls().is_empty());
}

#[tokio::test]
async fn a_success_we_cannot_read_may_have_taken_effect() {
    let script = Script::new([answer(201, &json!("nonsense"))]);
    let new = request::NewUser {
        user_principal_name: "zoe@contoso.example".into(),
        display_name: "Zoë".into(),
        mail_nickname: "zoe".into(),
        password: Secret::new("hunter2"),
        account_enabled: false,
        properties: serde_json::Map::new(),
    };
    let error = script.client().create_user(new).await.unwrap_err();
    assert_eq!(error.to_string(), "/users: 201: the body is not what the call documents");
    assert!(error.may_have_taken_effect() && !error.is_transient());
}

#[tokio::test]
async fn a_cut_goes_first_and_says_so() {
    let script = Script::forever(answer(204, &Value::Null));
    let pace = Arc::new(Pace::default());
    let now = Timestamp::from_millisecond(1_767_600_000_000).unwrap();
    while pace.admit(now, Class::Write, 20, Lane::Ordinary) == Admission::Admit {}

    script.client_in(Lane::Urgent, Arc::clone(&pace)).revoke_sessions(&user()).await.unwrap();
    assert_eq!(script.waited_ms(), 0);
    assert_eq!(script.headers(0)["x-ms-throttle-priority"], "High");

    script.client_in(Lane::Ordinary, pace).revoke_sessions(&user()).await.unwrap();
    assert!(script.waited_ms() > 0, "ordinary work waits for its share");
}

#[tokio::test]
async fn the_default_method_is_tried_again_after_the_others() {
    let methods = json!({"value": [
        {"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "p"},
        {"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": "app"},
        {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "phone", "phoneType": "mobile"},
        {"@odata.type": "#microsoft.graph.newAuthenticationMethod", "id": "new"},
    ]});
    let refused = json!({"error": {"code": "badRequest", "message": "Cannot delete default method with other methods configured."}});
    let script = Script::new([
        answer(200, &methods),
        answer(400, &refused),
        answer(204, &Value::Null),
        answer(204, &Value::Null),
    ]);
    let done = script.client().remove_authentication_methods(&user()).await.unwrap();
    assert_eq!((done.removed, done.kept.len()), (2, 1));
    assert_eq!(format!("{:?}", done.kept[0].method), "Other(new)");
    assert_eq!(
        script.calls()[1..],
        [
            "DELETE /v1.0/users/u/authentication/microsoftAuthenticatorMethods/app",
            "DELETE /v1.0/users/u/authentication/phoneMethods/phone",
            "DELETE /v1.0/users/u/authentication/microsoftAuthenticatorMethods/app",
        ]
    );
}

#[tokio::test]
async fn a_list_that_decides_is_read_whole_or_not_at_all() {
    let script = Script::new([answer(200, &json!({"value": [{"id": "g1"}, {"id": "g2", "groupTypes": 7}]}))]);
    let error = script.client().member_groups(&user(), &["id"]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "/users/{id}/memberOf/microsoft.graph.group: 200: an object of the list cannot be read"
    );
}

#[tokio::test]
async fn one_bad_product_does_not_stop_licensing() {
    let skus = json!({"value": [{"skuId": "a", "skuPartNumber": "SPE_E3"}, {"id": "b", "consumedUnits": "many"}]});
    let script = Script::new([answer(200, &skus)]);
    let skus = script.client().subscribed_skus().await.unwrap();
    assert_eq!(skus.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_told_with_its_meaning_and_not_repeated() {
    let body = json!({"error": {
        "code": "Request_BadRequest",
        "message": "One or more added object references already exist for the following modified properties: 'members'.",
    }});
    let script = Script::new([answer(400, &body)]);
    let error = script.client().add_member(&group(), &user()).await.unwrap_err();
    assert_eq!(error.refusal(), Some(&Refusal::AlreadyMember));
}

#[test]
fn a_client_refuses_to_send_a_token_in_the_clear() {
    let script = Script::default();
    let config = Config {
        base_url: Url::parse("http://graph.contoso.example/v1.0").unwrap(),
        retry: Policy::default(),
        lane: Lane::Ordinary,
    };
    let inputs = script.client().inputs.clone();
    let client = Client::new(config, Arc::new(script.clone()), Arc::new(script), Arc::default(), inputs);
    assert_eq!(
        client.unwrap_err().to_string(),
        "`http://graph.contoso.example` must be https: plain http is for this machine's own addresses only"
    );
}
