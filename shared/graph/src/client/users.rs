//! What we do with users.

use serde_json::{Map, Value};

use super::Client;
use crate::{
    error::{Error, Refusal},
    filter::Filter,
    ids::UserId,
    limits,
    model::{AuthenticationMethod, Membership, Unreadable, User, removal_order},
    page::Pages,
    request::{self, NewUser, UserKey},
    secret::Secret,
};

/// What became of a user's authentication methods.
#[derive(Debug, Default)]
pub struct MethodsRemoved {
    /// How many are gone.
    pub removed: usize,
    /// Those that are still there. The password is not among them.
    pub kept: Vec<KeptMethod>,
}

/// A method that could not be removed.
#[derive(Debug)]
pub struct KeptMethod {
    /// The method.
    pub method: AuthenticationMethod,
    /// Why; none for a kind that we do not know how to remove, which is a task for a human.
    pub error: Option<Error>,
}

impl Client {
    /// One user, or none. A young user may not be visible yet.
    pub async fn get_user(&self, key: impl Into<UserKey<'_>>, properties: &[&str]) -> Result<Option<User>, Error> {
        self.find(&request::get_user(key.into(), properties)).await
    }

    /// Makes an account. After an error that [may have taken effect](Error::may_have_taken_effect), look the name up
    /// before trying again.
    pub async fn create_user(&self, new: NewUser) -> Result<User, Error> {
        self.fetch(&request::create_user(new)).await
    }

    /// Changes properties; all of them or, if one is refused, none.
    pub async fn patch_user(&self, id: &UserId, properties: Map<String, Value>) -> Result<(), Error> {
        self.execute(&request::patch_user(id, properties)).await
    }

    /// Sets a new password that must be replaced at the next sign-in.
    pub async fn reset_password(&self, id: &UserId, password: &Secret) -> Result<(), Error> {
        self.execute(&request::reset_password(id, password)).await
    }

    /// Deletes a user; it can be restored for 30 days.
    pub async fn delete_user(&self, id: &UserId) -> Result<(), Error> {
        self.execute(&request::delete_user(id)).await
    }

    /// All users that fit, wherever the listing ends.
    pub async fn find_users(&self, filter: &Filter, properties: &[&str]) -> Result<Vec<User>, Error> {
        self.list(request::users(properties, Some(filter), limits::PAGE_MAX)).await
    }

    /// Users, a page at a time.
    pub fn users(&self, properties: &[&str], filter: Option<&Filter>) -> Pages<'_, User> {
        self.pages(request::users(properties, filter, limits::PAGE_MAX))
    }

    /// Calls `visit` with every user.
    pub async fn for_each_user(
        &self,
        properties: &[&str],
        filter: Option<&Filter>,
        visit: impl FnMut(Result<User, Unreadable>) + Send,
    ) -> Result<(), Error> {
        self.users(properties, filter).for_each(visit).await
    }

    /// The user's manager, or none.
    pub async fn get_manager(&self, id: &UserId, properties: &[&str]) -> Result<Option<User>, Error> {
        self.find(&request::get_manager(id, properties)).await
    }

    /// Sets the manager.
    pub async fn set_manager(&self, id: &UserId, manager: &UserId) -> Result<(), Error> {
        self.execute(&request::set_manager(id, manager)).await
    }

    /// Takes the manager away; it may have been away already.
    pub async fn remove_manager(&self, id: &UserId) -> Result<(), Error> {
        already(self.execute(&request::remove_manager(id)).await, &Refusal::NotFound)
    }

    /// Who answers for a guest.
    pub async fn sponsors(&self, id: &UserId) -> Result<Vec<User>, Error> {
        self.list(request::sponsors(id, &["id"])).await
    }

    /// Names one more who answers for a guest; they may have answered already.
    pub async fn add_sponsor(&self, id: &UserId, sponsor: &UserId) -> Result<(), Error> {
        already(self.execute(&request::add_sponsor(id, sponsor)).await, &Refusal::AlreadyMember)
    }

    /// Takes a sponsor away, who may have been away already.
    pub async fn remove_sponsor(&self, id: &UserId, sponsor: &UserId) -> Result<(), Error> {
        already(self.execute(&request::remove_sponsor(id, sponsor)).await, &Refusal::NotFound)
    }

    /// Whether the user holds a directory role, or is in a group that may give one.
    pub async fn is_privileged(&self, id: &UserId) -> Result<bool, Error> {
        let memberships: Vec<Membership> =
            self.list(request::transitive_member_of(id, &["id", "isAssignableToRole"])).await?;
        Ok(memberships.iter().any(Membership::is_privileged))
    }

    /// Ends the user's sessions as of now. Sign-in must have been blocked before.
    pub async fn revoke_sessions(&self, id: &UserId) -> Result<(), Error> {
        self.execute(&request::revoke_sessions(id)).await
    }

    /// The methods the user can sign in with, the password included.
    pub async fn authentication_methods(&self, id: &UserId) -> Result<Vec<AuthenticationMethod>, Error> {
        self.list(request::authentication_methods(id)).await
    }

    /// Removes one method, which may have been gone already. `Ok(false)` if it is of a kind that cannot be removed.
    pub async fn delete_authentication_method(
        &self,
        id: &UserId,
        method: &AuthenticationMethod,
    ) -> Result<bool, Error> {
        match request::delete_authentication_method(id, method) {
            Some(request) => already(self.execute(&request).await, &Refusal::NotFound).map(|()| true),
            None => Ok(false),
        }
    }

    /// Removes all methods but the password, going on past those that cannot be removed. Which one is the default, and
    /// must go last, v1.0 does not say: a refused default is tried again after the others.
    pub async fn remove_authentication_methods(&self, id: &UserId) -> Result<MethodsRemoved, Error> {
        let methods = self.authentication_methods(id).await?;
        let mut result = MethodsRemoved::default();
        for method in &methods {
            if method.kind() == crate::model::MethodKind::Other {
                result.kept.push(KeptMethod { method: method.clone(), error: None });
            }
        }
        let mut pending: Vec<_> = removal_order(methods).into_iter().take(limits::METHODS_MAX).collect();
        for last_round in [false, true] {
            let mut defaults = Vec::new();
            for method in pending {
                match self.delete_authentication_method(id, &method).await {
                    Ok(_) => result.removed += 1,
                    Err(error) if !last_round && error.refusal() == Some(&Refusal::DefaultMethod) => {
                        defaults.push(method);
                    }
                    Err(error) => result.kept.push(KeptMethod { method, error: Some(error) }),
                }
            }
            pending = defaults;
        }
        Ok(result)
    }
}

/// A refusal that says the end is reached already is a success.
pub(super) fn already(result: Result<(), Error>, refusal: &Refusal) -> Result<(), Error> {
    match result {
        Err(error) if error.refusal() == Some(refusal) => Ok(()),
        other => other,
    }
}
