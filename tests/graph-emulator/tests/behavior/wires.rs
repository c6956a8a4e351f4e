//! The same over a socket, where answers can be lost and connections cut.

use graph_emulator::{Emulator, Running};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::*;

async fn served() -> (Emulator, Running) {
    let emulator = Emulator::new(demo());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = emulator.serve(listener).unwrap();
    (emulator, running)
}

/// What comes back for a raw request, and whether the connection simply broke.
async fn raw(running: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(running.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an empty answer too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn get_line(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: emulator\r\nauthorization: Bearer x\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_socket_gives_what_the_tenant_answers() {
    let (_emulator, running) = served().await;
    let answer = raw(&running, &get_line(&format!("/v1.0/users/{BRAM}?$select=id"))).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/json; charset=utf-8"));
    assert!(answer.contains(&format!("\"id\":\"{BRAM}\"")));
    running.shutdown().await;
}

#[tokio::test]
async fn a_next_link_leads_back_to_the_host_that_was_asked() {
    let (_emulator, running) = served().await;
    let answer = raw(&running, &get_line("/v1.0/users?$top=5")).await;
    assert!(answer.contains("http://emulator/v1.0/users?"), "{answer}");
}

#[tokio::test]
async fn a_lost_answer_is_no_answer_but_the_work_is_done() {
    let (emulator, running) = served().await;
    let faults = json!([{"match": {"method": "DELETE"}, "action": "lose_answer"}, {"match": {"method": "DELETE"}, "action": "cut"}]);
    done(&mut emulator.tenant(), "PUT /_control/faults", &faults);
    let delete = |id: &str| get_line(&format!("/v1.0/users/{id}")).replacen("GET", "DELETE", 1);
    assert_eq!(raw(&running, &delete(BRAM)).await, "");
    assert_eq!(raw(&running, &delete(LENA)).await, "");
    check(&mut emulator.tenant(), &format!("GET /users/{BRAM}"), &json!(null), 404);
    check(&mut emulator.tenant(), &format!("GET /users/{LENA}"), &json!(null), 200);
    assert!(raw(&running, &get_line("/v1.0/organization")).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn an_answer_can_be_held_back() {
    let (emulator, running) = served().await;
    done(&mut emulator.tenant(), "PUT /_control/latency", &json!({"answer_ms": 1}));
    assert!(raw(&running, &get_line("/v1.0/organization")).await.starts_with("HTTP/1.1 200"));
}

#[test]
fn the_program_says_where_it_listens_and_refuses_a_seed_it_cannot_read() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};
    let program = env!("CARGO_BIN_EXE_graph-emulator");
    let mut child = Command::new(program).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("listening on http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(get_line("/_control/clock").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.contains("\"now\":\"2026-03-02T08:") && answer.contains("\"running\":true"), "{answer}");
    let refused = Command::new(program).args(["--listen", "127.0.0.1:0", "--seed", "/nonexistent"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("/nonexistent"));
}

#[tokio::test]
async fn a_call_held_back_takes_effect_when_it_is_let_go() {
    let (emulator, running) = served().await;
    let faults = json!([{"match": {"method": "PATCH"}, "action": "delay", "delay_ms": 60_000, "phase": "before"}]);
    done(&mut emulator.tenant(), "PUT /_control/faults", &faults);
    let body = r#"{"jobTitle":"held"}"#;
    let request = format!(
        "PATCH /v1.0/users/{BRAM} HTTP/1.1\r\nhost: emulator\r\nauthorization: Bearer x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut held = TcpStream::connect(running.address()).await.unwrap();
    held.write_all(request.as_bytes()).await.unwrap();
    while emulator.tenant().faults_fired().is_err() {
        tokio::task::yield_now().await;
    }
    // While it is held back nothing has happened, and a second write of the same person is refused where that is asked for.
    done(&mut emulator.tenant(), "PUT /_control/concurrency", &json!({"refused": true}));
    let title = get(&mut emulator.tenant(), &format!("/users/{BRAM}?$select=jobTitle"));
    assert_eq!(title["jobTitle"], "Account Manager");
    let second = get_line(&format!("/v1.0/users/{BRAM}/revokeSignInSessions")).replacen("GET", "POST", 1);
    let refused = raw(&running, &second).await;
    assert!(refused.starts_with("HTTP/1.1 409") && refused.contains("Directory_ConcurrencyViolation"), "{refused}");
    let other = get_line(&format!("/v1.0/users/{LENA}/revokeSignInSessions")).replacen("GET", "POST", 1);
    assert!(raw(&running, &other).await.starts_with("HTTP/1.1 200"));
    // Whoever hangs up is no longer under way.
    drop(held);
    while !raw(&running, &second).await.starts_with("HTTP/1.1 200") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_stands_in_front_names_the_address_in_links() {
    let (_emulator, running) = served().await;
    let forwarded = "x-forwarded-host: graph.microsoft.com\r\nx-forwarded-proto: https\r\nconnection";
    let answer = raw(&running, &get_line("/v1.0/users?$top=5").replace("connection", forwarded)).await;
    assert!(answer.contains("https://graph.microsoft.com/v1.0/users?"), "{answer}");
}
