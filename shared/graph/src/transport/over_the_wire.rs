//! The real transport and the real token library against a listener on this machine: what a scripted transport cannot
//! show. The port is the system's choice.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

use crate::{
    Client, ClientSecretTokens, Config, Credentials, Error, GroupId, Http, Inputs, Lane, Secret, UserId, UserKey,
    client::Sleep, retry::Policy,
};

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"the-token"}"#;

/// Answers each request by its first line, one connection each, and keeps what was asked.
struct Listener {
    base: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    /// `answer` maps a request line to `status` and body; an empty status cuts the connection.
    async fn start(answer: fn(&str) -> (&'static str, &'static str)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}/v1.0", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                tokio::spawn(async move { serve(stream, answer, &log).await });
            }
        });
        Self { base, asked }
    }

    fn client(&self) -> Client {
        let http = Http::new(&self.base).unwrap();
        let credentials = Credentials {
            tenant: "contoso.example".into(),
            client_id: "11111111-1111-1111-1111-111111111111".into(),
            client_secret: Secret::new("hunter2"),
            authority: self.base.join("/").unwrap(),
        };
        let tokens = ClientSecretTokens::new(credentials, &self.base, &http).unwrap();
        let config = Config { base_url: self.base.clone(), retry: Policy::default(), lane: Lane::Ordinary };
        let inputs =
            Inputs { now: Arc::new(|| Timestamp::UNIX_EPOCH), random: Arc::new(|| 7), sleep: Arc::new(NoSleep) };
        Client::new(config, Arc::new(http), Arc::new(tokens), Arc::default(), inputs).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

struct NoSleep;

#[async_trait]
impl Sleep for NoSleep {
    async fn sleep(&self, _: std::time::Duration) {}
}

async fn serve(mut stream: TcpStream, answer: fn(&str) -> (&'static str, &'static str), log: &Mutex<Vec<String>>) {
    let request = read(&mut stream).await;
    let line = request.lines().next().unwrap_or_default().to_owned();
    log.lock().unwrap().push(request);
    let (status, body) = answer(&line);
    if !status.is_empty() {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
        let location = if status.starts_with('3') { "location: /v1.0/elsewhere\r\n" } else { "" };
        let whole = format!("{head}{location}content-length: {length}\r\n\r\n{body}");
        stream.write_all(whole.as_bytes()).await.unwrap();
    }
}

/// One request, head and body.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return String::from_utf8(bytes).unwrap();
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return String::from_utf8(bytes).unwrap();
        }
    }
}

/// The whole chain, as an edge would print it.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[tokio::test]
async fn a_token_is_fetched_once_and_carried_by_each_call() {
    let listener = Listener::start(|line| match line {
        "POST /contoso.example/oauth2/v2.0/token HTTP/1.1" => ("200 OK", TOKEN),
        "GET /v1.0/users/a_b.c%23EXT%23@x.example?$select=id HTTP/1.1" => ("200 OK", r#"{"id":"u1"}"#),
        "POST /v1.0/groups/g/members/$ref HTTP/1.1" => ("204 No Content", ""),
        _ => ("500 Unexpected", "{}"),
    })
    .await;
    let client = listener.client();
    let user = client.get_user(UserKey::Upn("a_b.c#EXT#@x.example"), &["id"]).await.unwrap().unwrap();
    client.add_member(&GroupId::from("g"), &user.id).await.unwrap();

    let asked = listener.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].contains("client_secret=hunter2") && asked[0].contains("graph.microsoft.com%2F.default"));
    for call in &asked[1..] {
        assert!(call.contains("authorization: Bearer the-token"), "{call}");
        assert!(!call.contains("hunter2"));
    }
    assert!(asked[2].ends_with(r#"{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/u1"}"#));
}

#[tokio::test]
async fn a_refused_secret_is_not_transient_and_not_printed() {
    let listener = Listener::start(|_| {
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.","error_codes":[7000215]}"#,
        )
    })
    .await;
    let error = listener.client().domains().await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }) && !error.is_transient(), "{error:?}");
    let printed = format!("{} {error:?}", chain(&error));
    assert!(printed.contains("AADSTS7000215"), "the operator learns why: {printed}");
    assert!(!printed.contains("hunter2"));
    assert_eq!(listener.asked().len(), 1, "a refusal is not repeated");
}

#[tokio::test]
async fn a_cut_connection_may_have_carried_the_write_out() {
    let listener = Listener::start(|line| if line.contains("token") { ("200 OK", TOKEN) } else { ("", "") }).await;
    let client = listener.client();
    let error = client.add_member(&GroupId::from("g"), &UserId::from("u")).await.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }) && error.may_have_taken_effect(), "{error:?}");
    assert_eq!(listener.asked().len(), 2);

    let error = client.get_user(UserKey::Upn("zoe@contoso.example"), &[]).await.unwrap_err();
    assert!(!error.may_have_taken_effect());
    let printed = format!("{} {error:?}", chain(&error));
    assert!(!printed.contains("zoe"), "an address is nobody's business: {printed}");
    assert_eq!(listener.asked().len(), 5, "a read is asked three times");
}

#[tokio::test]
async fn a_redirect_is_an_oddity_and_not_followed() {
    let listener =
        Listener::start(|line| if line.contains("token") { ("200 OK", TOKEN) } else { ("302 Found", "") }).await;
    let error = listener.client().domains().await.unwrap_err();
    assert_eq!(error.to_string(), "/domains: 302: a refusal we do not know");
    assert_eq!(listener.asked().len(), 2);
}
