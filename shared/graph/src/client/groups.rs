//! What we do with groups.

use serde::Deserialize;

use super::Client;
use crate::{
    error::Error,
    filter::Filter,
    ids::{GroupId, UserId},
    limits,
    model::{Group, Unreadable, User},
    page::Pages,
    request::{self, Members},
};

#[derive(Deserialize)]
struct Matching {
    value: Vec<GroupId>,
}

impl Client {
    /// One group, or none.
    pub async fn get_group(&self, id: &GroupId, properties: &[&str]) -> Result<Option<Group>, Error> {
        self.find(&request::get_group(id, properties)).await
    }

    /// Groups, a page at a time.
    pub fn groups(&self, properties: &[&str], filter: Option<&Filter>) -> Pages<'_, Group> {
        self.pages(request::groups(properties, filter, limits::PAGE_MAX))
    }

    /// Calls `visit` with every group.
    pub async fn for_each_group(
        &self,
        properties: &[&str],
        filter: Option<&Filter>,
        visit: impl FnMut(Result<Group, Unreadable>) + Send,
    ) -> Result<(), Error> {
        self.groups(properties, filter).for_each(visit).await
    }

    /// The groups the user is a direct member of, all of them.
    pub async fn member_groups(&self, id: &UserId, properties: &[&str]) -> Result<Vec<Group>, Error> {
        self.list(request::member_of(id, properties)).await
    }

    /// Which of `groups` the user is in, also through other groups. Ids that Graph does not know are left out.
    pub async fn check_member_groups(&self, id: &UserId, groups: &[GroupId]) -> Result<Vec<GroupId>, Error> {
        let mut matching = Vec::new();
        for chunk in groups.chunks(limits::CHECK_GROUPS_MAX) {
            matching.extend(self.fetch::<Matching>(&request::check_member_groups(id, chunk)).await?.value);
        }
        Ok(matching)
    }

    /// The users among a group's direct members, a page at a time.
    pub fn members(&self, id: &GroupId, properties: &[&str]) -> Pages<'_, User> {
        self.pages(request::members(id, properties))
    }

    /// Adds a member. "Already a member" is told apart, since such a membership is not ours.
    pub async fn add_member(&self, id: &GroupId, member: &UserId) -> Result<(), Error> {
        self.execute(&request::add_member(id, member)).await
    }

    /// Adds up to twenty members, all or none.
    pub async fn add_members(&self, id: &GroupId, members: Members<'_>) -> Result<(), Error> {
        self.execute(&request::add_members(id, members)).await
    }

    /// Takes a member out. "Not found" means the group, or that it was no member.
    pub async fn remove_member(&self, id: &GroupId, member: &UserId) -> Result<(), Error> {
        self.execute(&request::remove_member(id, member)).await
    }
}
