//! The program: where it listens, what it serves, how it refuses a seed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hr-emulator");

/// Ends with the test, however that ends.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_first_line_says_where_it_listens_and_there_it_answers() {
    let mut child = Command::new(PROGRAM).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _emulator = Emulator(child);
    let address = line.trim_end().strip_prefix("listening on http://").expect("the address");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /_control/clock HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"running\":true"), "{answer}");
}

#[test]
fn a_seed_that_is_not_there_is_named() {
    let output = Command::new(PROGRAM).args(["--listen", "127.0.0.1:0", "--seed", "missing.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("hr-emulator: missing.json: "));
}
