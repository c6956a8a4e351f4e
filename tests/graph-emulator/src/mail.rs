//! `POST /users/{id}/sendMail`: nothing leaves the emulator; what was sent is shown at `/_control/mail`. Source: "user: sendMail".
//! Exchange answers for itself, with codes of its own.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::users::relations::missing_parameter;
use crate::users::rules::is_address;
use crate::wire::{Answer, Body, Request, Served};

/// So many mails are remembered.
const KEPT_MAX: usize = 10_000;
/// A mail has at most so many recipients ("Exchange Online limits").
const RECIPIENTS_MAX: usize = 500;

/// What was sent, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(VecDeque<Value>);

impl Outbox {
    pub(crate) fn push(&mut self, mail: Value) {
        self.0.push_back(mail);
        if self.0.len() > KEPT_MAX {
            self.0.pop_front();
        }
    }

    pub(crate) fn show(&self) -> Value {
        self.0.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// `POST /users/{id}/sendMail`: 202, which promises nothing about delivery.
pub(crate) fn send(request: &mut Request<'_>) -> Served {
    let body = request.object()?;
    let message = body.get("message").or_else(|| body.get("Message")).filter(|message| message.is_object());
    let message = message.ok_or_else(|| missing_parameter("sendMail", "message"))?;
    let key = request.param(0);
    let (id, user) = request
        .state
        .find_user(request.view, key)
        .map_err(|_| Refusal::new(404, "ErrorInvalidUser", format!("The requested user '{key}' is invalid.")))?;
    // A mailbox shows as an address: licensing provisions none here.
    if user.text("mail").is_none() {
        return Err(Refusal::new(
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        ));
    }
    check_recipients(message)?;
    let saved = body.get("saveToSentItems").or_else(|| body.get("SaveToSentItems"));
    let mail = json!({
        "at": request.state.now.to_string(), "from": id.to_string(), "app": request.app.id, "message": message,
        "saveToSentItems": saved.and_then(Value::as_bool).unwrap_or(true),
    });
    request.state.outbox.push(mail);
    Ok(Answer { status: 202, body: Body::Empty, ..Answer::no_content() })
}

fn check_recipients(message: &Value) -> Result<(), Refusal> {
    let lists = ["toRecipients", "ccRecipients", "bccRecipients"];
    let all = || lists.iter().filter_map(|list| message.get(list)?.as_array()).flatten();
    let valid = |recipient: &Value| {
        recipient.get("emailAddress").and_then(|to| to.get("address")?.as_str()).is_some_and(is_address)
    };
    let count = all().count();
    if count == 0 || !all().all(valid) {
        return Err(Refusal::new(400, "ErrorInvalidRecipients", "At least one recipient is not valid."));
    }
    if count > RECIPIENTS_MAX {
        return Err(Refusal::new(400, "ErrorExceededMaxRecipients", "The message has too many recipients."));
    }
    Ok(())
}
