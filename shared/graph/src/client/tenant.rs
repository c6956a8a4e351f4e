//! What we do with the tenant: organization, domains, deleted items, invitations.

use super::Client;
use crate::{
    error::Error,
    filter::Filter,
    ids::UserId,
    limits,
    model::{Domain, Invitation, Organization, Unreadable, User},
    page::Pages,
    request,
};

impl Client {
    /// The organization.
    pub async fn organization(&self) -> Result<Option<Organization>, Error> {
        Ok(self.list(request::organization()).await?.into_iter().next())
    }

    /// The tenant's domains.
    pub async fn domains(&self) -> Result<Vec<Domain>, Error> {
        self.list(request::domains()).await
    }

    /// A deleted user, or none. Its user principal name has the hex digits of its id in front.
    pub async fn deleted_user(&self, id: &UserId, properties: &[&str]) -> Result<Option<User>, Error> {
        self.find(&request::deleted_user(id, properties)).await
    }

    /// All deleted users that fit.
    pub async fn find_deleted_users(&self, filter: &Filter, properties: &[&str]) -> Result<Vec<User>, Error> {
        self.list(request::deleted_users(properties, Some(filter), limits::PAGE_MAX)).await
    }

    /// Deleted users, a page at a time.
    pub fn deleted_users(&self, properties: &[&str], filter: Option<&Filter>) -> Pages<'_, User> {
        self.pages(request::deleted_users(properties, filter, limits::PAGE_MAX))
    }

    /// Calls `visit` with every deleted user.
    pub async fn for_each_deleted_user(
        &self,
        properties: &[&str],
        filter: Option<&Filter>,
        visit: impl FnMut(Result<User, Unreadable>) + Send,
    ) -> Result<(), Error> {
        self.deleted_users(properties, filter).for_each(visit).await
    }

    /// Brings a deleted user back, with the licenses it had even when no seat is free. If its name was taken
    /// meanwhile, Graph refuses until another is given.
    pub async fn restore_user(&self, id: &UserId, new_upn: Option<&str>) -> Result<User, Error> {
        self.fetch(&request::restore_user(id, new_upn)).await
    }

    /// Invites an outside person; the guest's user object exists when this returns.
    pub async fn invite(
        &self,
        address: &str,
        display_name: &str,
        redirect_url: &str,
        send_message: bool,
    ) -> Result<Invitation, Error> {
        self.fetch(&request::invite(address, display_name, redirect_url, send_message)).await
    }
}
