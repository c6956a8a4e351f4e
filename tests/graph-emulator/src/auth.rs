//! Tokens: `POST /{tenant}/oauth2/v2.0/token`, and who a bearer is. Without strict authorization every request for a token is
//! answered and every bearer passes. Source: "OAuth 2.0 client credentials flow", "Microsoft Entra authentication error codes".

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::{Answer, App};

/// Tokens live so long, by the emulator's clock.
const LIFE_S: i64 = 3599;
const SCOPE: &str = "https://graph.microsoft.com/.default";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A refusal of the token endpoint: status, `error`, number, text.
struct Denial(u16, &'static str, u32, &'static str);

/// The token endpoint. Returns the answer and the client id that asked.
pub(crate) fn token(state: &mut State, strict: bool, tenant: &str, body: &[u8]) -> (Answer, String) {
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let client = field("client_id").unwrap_or_default().to_owned();
    let answer = match check(state, strict, tenant, &field) {
        Ok(()) => {
            let token = issue(state, &client);
            Answer::json(
                200,
                json!({
                    "token_type": "Bearer", "expires_in": LIFE_S, "ext_expires_in": LIFE_S, "access_token": token,
                }),
            )
        }
        Err(denial) => denied(state, &denial),
    };
    (answer, client)
}

fn check<'f>(
    state: &State,
    strict: bool,
    tenant: &str,
    field: &impl Fn(&str) -> Option<&'f str>,
) -> Result<(), Denial> {
    if field("grant_type") != Some("client_credentials") {
        return Err(Denial(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."));
    }
    let client = field("client_id").unwrap_or_default();
    let assertion = field("client_assertion").filter(|text| !text.is_empty());
    let secret = field("client_secret").filter(|text| !text.is_empty());
    if client.is_empty() || (secret.is_none() && assertion.is_none()) {
        return Err(Denial(
            401,
            "invalid_client",
            7_000_216,
            "'client_assertion', 'client_secret' or 'request' is required.",
        ));
    }
    if assertion.is_some() && field("client_assertion_type") != Some(JWT_BEARER) {
        return Err(Denial(400, "invalid_request", 900_144, "The request body must contain 'client_assertion_type'."));
    }
    if field("scope").is_none_or(|scope| !scope.ends_with("/.default")) {
        return Err(Denial(
            400,
            "invalid_scope",
            70011,
            "The provided value for the input parameter 'scope' is not valid.",
        ));
    }
    if strict { check_registered(state, tenant, client, field) } else { Ok(()) }
}

/// What only a known application in a known tenant passes.
fn check_registered<'f>(
    state: &State,
    tenant: &str,
    client: &str,
    field: &impl Fn(&str) -> Option<&'f str>,
) -> Result<(), Denial> {
    let given = |name: &str| field(name).filter(|text| !text.is_empty());
    if field("scope") != Some(SCOPE) {
        return Err(Denial(
            400,
            "invalid_scope",
            70011,
            "The provided value for the input parameter 'scope' is not valid.",
        ));
    }
    if !tenant.eq_ignore_ascii_case(state.tenant_id()) && !state.verified(tenant) {
        return Err(Denial(400, "invalid_request", 90002, "Tenant not found."));
    }
    let Some(application) = state.applications.iter().find(|own| own.app_id.eq_ignore_ascii_case(client)) else {
        return Err(Denial(400, "unauthorized_client", 700_016, "Application was not found in the directory."));
    };
    match (&application.secret, given("client_secret"), given("client_assertion")) {
        (Some(own), Some(given), _) if own == given => Ok(()),
        (_, Some(_), _) => Err(Denial(401, "invalid_client", 7_000_215, "Invalid client secret provided.")),
        // Its signature is not verified: the emulator knows no issuer's keys.
        (_, None, Some(assertion)) if assertion.split('.').count() == 3 => Ok(()),
        _ => Err(Denial(400, "invalid_request", 50027, "JWT token is invalid or malformed.")),
    }
}

fn denied(state: &mut State, Denial(status, error, number, text): &Denial) -> Answer {
    let (trace, correlation) = (state.draw.guid(), state.draw.guid());
    let stamp = state.now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    Answer::json(
        *status,
        json!({
            "error": error,
            "error_description": format!(
                "AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
            ),
            "error_codes": [number],
            "timestamp": stamp,
            "trace_id": trace.to_string(),
            "correlation_id": correlation.to_string(),
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        }),
    )
}

/// An opaque token that names its application and the instant it was made; the last part keeps it from being guessed from
/// the first two.
fn issue(state: &mut State, client: &str) -> String {
    let payload = URL_SAFE_NO_PAD.encode(format!("{client} {}", state.now.as_second()));
    format!("emulator.{payload}.{:016x}", seal(state, &payload))
}

fn seal(state: &State, payload: &str) -> u64 {
    crate::ids::mix(&[crate::ids::hash_text(state.tenant_id()), crate::ids::hash_text(payload)])
}

/// Who a bearer is. An opaque token of somebody else's making passes only where authorization is not strict.
pub(crate) fn bearer(state: &State, strict: bool, header: Option<&str>) -> Result<App, Refusal> {
    let token =
        header.and_then(|header| header.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim()).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Refusal::unauthenticated("Access token is empty."))?;
    let read = read(state, token);
    if !strict {
        let id = read.map(|(id, _)| id).unwrap_or_default();
        return Ok(app(state, id, false));
    }
    match read {
        None => Err(Refusal::unauthenticated("IDX14100: JWT is not well formed.")),
        Some((_, made)) if expired(state.now, made) => {
            Err(Refusal::unauthenticated("Lifetime validation failed, the token is expired."))
        }
        Some((id, _)) => Ok(app(state, id, true)),
    }
}

fn expired(now: Timestamp, made: Timestamp) -> bool {
    made.checked_add(SignedDuration::from_secs(LIFE_S)).is_ok_and(|end| now > end)
}

fn read(state: &State, token: &str) -> Option<(String, Timestamp)> {
    let (payload, sealed) = token.strip_prefix("emulator.")?.split_once('.')?;
    if sealed != format!("{:016x}", seal(state, payload)) {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let (id, made) = text.rsplit_once(' ')?;
    Some((id.to_owned(), Timestamp::from_second(made.parse().ok()?).ok()?))
}

/// The application as the seed has it. Where authorization is not strict nobody asks for its permissions, but what the
/// seed grants beyond the ordinary (role-assignable groups, administrators) counts.
fn app(state: &State, id: String, strict: bool) -> App {
    let known = state.applications.iter().find(|own| own.app_id.eq_ignore_ascii_case(&id));
    App {
        roles: known.map(|own| own.roles.clone()).unwrap_or_default(),
        directory_roles: known.map(|own| own.directory_roles.clone()).unwrap_or_default(),
        enforced: strict,
        id,
    }
}

/// A body with every password and secret covered.
pub(crate) fn cover(body: &Value) -> Value {
    const SECRET: &[&str] = &["password", "client_secret", "client_assertion", "temporaryAccessPass"];
    match body {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                (name.clone(), if SECRET.contains(&name.as_str()) { json!("***") } else { cover(value) })
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(cover).collect(),
        other => other.clone(),
    }
}
