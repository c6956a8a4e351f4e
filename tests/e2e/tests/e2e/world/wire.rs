//! The way to Graph without a socket: each call goes into the emulator's router and comes out again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use graph::secret::Secret;
use graph::token::TokenError;
use graph::transport::{Lost, LostKind};
use graph::{Tokens, Transport};
use tower::ServiceExt;

use super::give_way;
use super::schedule::Schedule;
use super::turns::{Deed, Turns};
use super::witness::Witness;

/// No answer of the emulator is longer.
const ANSWER_BYTES_MAX: usize = 1 << 24;

/// Carries calls, and loses what it is told to lose.
pub(crate) struct Wire {
    pub(crate) router: Router,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) witness: Witness,
    pub(crate) losses: Losses,
    pub(crate) calls: AtomicUsize,
    /// How often a call lets others go first, before and after it, so that workers interleave.
    pub(crate) yields: usize,
}

/// Whose answers are lost, though the call takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Losses {
    #[default]
    Nobodys,
    /// Of the call with this number, counted from 1.
    Of(usize),
    /// Of every other call, beginning with the first.
    EveryOther,
}

impl Wire {
    fn loses(&self) -> bool {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        match self.losses {
            Losses::Nobodys => false,
            Losses::Of(wanted) => number == wanted,
            Losses::EveryOther => number % 2 == 1,
        }
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        if request.method() != http::Method::GET {
            self.schedule.write().await;
        }
        let granted = self.witness.begins(&request).await;
        self.turns.before(|| Deed::call(request.method(), request.uri().path())).await;
        give_way(self.yields).await;
        let loses = self.loses();
        let cut = || Lost::new(LostKind::Cut);
        let (path, sent) = (request.uri().path().to_owned(), request.body().clone());
        let answer = self.router.clone().oneshot(request.map(Body::from)).await.map_err(|_| cut())?;
        give_way(self.yields).await;
        drop(granted);
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| cut())?;
        if parts.status.is_success() {
            self.witness.landed(&path, &sent, &bytes);
        }
        if loses { Err(cut()) } else { Ok(http::Response::from_parts(parts, bytes)) }
    }
}

/// A token that is nothing but its application's name.
pub(crate) struct PlainToken(pub(crate) &'static str);

#[async_trait]
impl Tokens for PlainToken {
    async fn token(&self) -> Result<Secret, TokenError> {
        Ok(Secret::new(self.0))
    }

    fn forget(&self) {}
}
