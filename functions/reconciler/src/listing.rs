//! The long parts: all users, all members of a group. While a page is compared the next one is on its way.

use domain::ids::ObjectId;
use domain::reconcile::census::Told;
use domain::reconcile::{Account, Finding, Kind, Place, Run, Scope, memberships};
use graph::model::{ListedUser, Member};
use graph::{GroupId, Page, limits, request};
use jiff::Timestamp;

use crate::Trouble;
use crate::translation::{account, object_id};
use crate::turn::Turn;

/// How often within a turn Graph may have forgotten a place before that is an error.
const FORGOTTEN_MAX: usize = 2;

/// A page, read.
struct Sheet {
    read_at: Timestamp,
    rows: Rows,
    unreadable: u64,
    next: Option<String>,
}

enum Rows {
    Users(Vec<Account>),
    Members(ObjectId, Vec<ObjectId>),
}

/// The properties a run selects of each user.
pub fn select(anchor: &str, sign_ins: bool) -> Vec<&str> {
    let sign_ins = sign_ins.then_some(ListedUser::SIGN_IN_ACTIVITY);
    ListedUser::PROPERTIES.iter().copied().chain(sign_ins).chain([anchor]).collect()
}

impl Turn<'_> {
    /// Goes through the pages of the part the run stands in.
    pub(crate) async fn list(&mut self, on_page: &(dyn Fn(&Run) + Sync)) -> Result<(), Trouble> {
        let mut place = self.run.place.clone();
        let mut sheet = match self.fetch(&place).await {
            Ok(sheet) => sheet,
            Err(error) => return self.begin_part_anew(error).await,
        };
        loop {
            if is_first(&place) {
                self.run.part_began_at = sheet.read_at;
            }
            let next = match &sheet.next {
                Some(link) => linked(&place, link),
                None => self.after(),
            };
            let is_last = sheet.next.is_none();
            let following = async { if is_last { Ok(None) } else { self.fetch(&next).await.map(Some) } };
            // The request goes out first; what is compared meanwhile was read before.
            let (following, told) = tokio::join!(following, self.compare(&sheet));
            let told = Told { forgets: is_first(&place), ..told? };
            self.count(&sheet);
            self.advance(next.clone(), told).await?;
            on_page(&self.run);
            place = next;
            match following {
                _ if self.is_over() => return Ok(()),
                Ok(Some(following)) => sheet = following,
                Ok(None) => return Ok(()),
                Err(error) => return self.begin_part_anew(error).await,
            }
        }
    }

    async fn fetch(&self, place: &Place) -> Result<Sheet, graph::Error> {
        let (graph, read_at) = (&self.app.graph, self.app.clock.now());
        match place {
            Place::Members { group, link } => {
                let request = match link {
                    Some(link) => graph.follow("/groups/{id}/members/microsoft.graph.user", link)?,
                    None => request::members(&GroupId::from(group.as_str()), &["id"]),
                };
                let page: Page<Member> = graph.page(&request).await?;
                let (members, unreadable) = rows(page.objects, |member| object_id(&member.id));
                Ok(Sheet { read_at, rows: Rows::Members(group.clone(), members), unreadable, next: page.next })
            }
            place => {
                let asks = self.asks_sign_ins();
                let top = if asks { limits::SIGN_IN_PAGE_MAX } else { limits::PAGE_MAX };
                let request = match place {
                    Place::Users { link: Some(link) } => graph.follow("/users", link)?,
                    _ => request::users(&select(&self.app.policy.tenant.anchor, asks), None, top),
                };
                let page: Page<ListedUser> = graph.page(&request).await?;
                let (accounts, unreadable) = rows(page.objects, account);
                Ok(Sheet { read_at, rows: Rows::Users(accounts), unreadable, next: page.next })
            }
        }
    }

    /// Sign-ins are read where the policy asks for it, until Graph has said that we may not.
    pub(crate) fn asks_sign_ins(&self) -> bool {
        let wanted = self.app.policy.reconcile.inactive_days.is_some() && self.run.scopes.contains(&Scope::Licenses);
        wanted && self.run.reads_sign_ins != Some(false)
    }

    /// What a failed page means: sign-ins that may not be read are left out, a place that Graph has forgotten begins anew, a group that is not
    /// there is a finding. Anything else ends the turn, and the place stays.
    async fn begin_part_anew(&mut self, error: graph::Error) -> Result<(), Trouble> {
        let is_refused = matches!(&error, graph::Error::Refused { answer, .. } | graph::Error::Undocumented { answer, .. } if answer.status == 403);
        match self.run.place.clone() {
            Place::Users { .. } if is_refused && self.asks_sign_ins() => {
                self.run.reads_sign_ins = Some(false);
                let why = "when people signed in: needs Entra P1 and the permission AuditLog.Read.All";
                let told = Told {
                    findings: vec![Finding::of(Kind::NotReadable).because(why)],
                    forgets: true,
                    ..Told::default()
                };
                self.run.accounts = 0;
                self.advance(Place::Users { link: None }, told).await
            }
            Place::Members { group, .. } if error.is_not_found() => {
                let findings = vec![Finding::of(Kind::GroupMissing).in_group(&group)];
                let place = Place::Left { group, after: None };
                let place = place.next(&self.run.scopes, &memberships::groups(&self.app.policy));
                self.advance(place, Told { findings, ..Told::default() }).await
            }
            place if error.is_forgotten_place() && !is_first(&place) && self.forgotten < FORGOTTEN_MAX => {
                self.forgotten += 1;
                if let Place::Users { .. } = place {
                    self.run.accounts = 0;
                }
                self.advance(from_the_first(&place), Told { forgets: true, ..Told::default() }).await
            }
            _ => Err(error.into()),
        }
    }

    fn count(&mut self, sheet: &Sheet) {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        self.run.unreadable += sheet.unreadable;
        match &sheet.rows {
            Rows::Users(accounts) => {
                self.run.accounts += count(accounts.len());
                self.run.reads_sign_ins =
                    Some(self.asks_sign_ins()).filter(|_| self.app.policy.reconcile.inactive_days.is_some());
            }
            Rows::Members(_, members) => self.run.members += count(members.len()),
        }
    }

    async fn compare(&self, sheet: &Sheet) -> Result<Told, Trouble> {
        match &sheet.rows {
            Rows::Users(accounts) => self.compare_users(accounts, sheet.read_at).await,
            Rows::Members(group, members) => self.compare_members(group, members, sheet.read_at).await,
        }
    }

    async fn compare_users(&self, accounts: &[Account], read_at: Timestamp) -> Result<Told, Trouble> {
        let (roster, judge) = (self.app.roster.as_ref(), self.judge(read_at));
        let ids: Vec<&ObjectId> = accounts.iter().map(|account| &account.id).collect();
        let known = self.app.census.bound(&ids).await?;
        let mut told = Told::default();
        for (account, known) in accounts.iter().zip(known) {
            told.findings.extend(judge.findings(account, known.as_ref()));
            if let Some(known) = known {
                if judge.suspects(account, &known)
                    && let Some(person) = roster.person(&known.person).await?
                {
                    told.findings.extend(judge.drift(account, &person));
                }
                told.sighted.push(known.number);
            } else if let Some(mark) = self.mark(account) {
                let person = roster.person(&mark).await?;
                told.findings.extend(judge.marked(account, &mark, person.as_ref()));
            }
        }
        Ok(told)
    }

    /// The person whose mark an account bears.
    fn mark(&self, account: &Account) -> Option<domain::ids::PersonId> {
        let mark = account.mark.as_deref().filter(|_| self.run.scopes.contains(&Scope::Accounts))?;
        mark.parse().ok()
    }

    async fn compare_members(
        &self,
        group: &ObjectId,
        accounts: &[ObjectId],
        read_at: Timestamp,
    ) -> Result<Told, Trouble> {
        let judge = self.judge(read_at);
        let is_exclusive = memberships::is_exclusive(&self.app.policy, group);
        let ids: Vec<&ObjectId> = accounts.iter().collect();
        let members = self.app.census.members(group, &ids, is_exclusive).await?;
        let mut told = Told::default();
        for (account, member) in accounts.iter().zip(members) {
            let Some(member) = member else {
                let stranger = || Finding::of(Kind::MemberUnknown).at(account).in_group(group);
                told.findings.extend(is_exclusive.then(stranger));
                continue;
            };
            if judge.suspects_member(group, &member)
                && let Some(person) = self.app.roster.person(&member.person).await?
            {
                told.findings.extend(judge.unwanted(group, &person));
            }
            told.sighted.push(member.number);
        }
        Ok(told)
    }
}

/// The objects that can be used, and how many cannot.
fn rows<T, R>(objects: Vec<Result<T, graph::Unreadable>>, read: impl Fn(T) -> Option<R>) -> (Vec<R>, u64) {
    let mut unreadable = 0;
    let mut rows = Vec::with_capacity(objects.len());
    for object in objects {
        match object.ok().and_then(&read) {
            Some(row) => rows.push(row),
            None => unreadable += 1,
        }
    }
    (rows, unreadable)
}

fn is_first(place: &Place) -> bool {
    matches!(place, Place::Users { link: None } | Place::Members { link: None, .. })
}

fn linked(place: &Place, link: &str) -> Place {
    let link = Some(link.to_owned());
    match place {
        Place::Members { group, .. } => Place::Members { group: group.clone(), link },
        _ => Place::Users { link },
    }
}

fn from_the_first(place: &Place) -> Place {
    match place {
        Place::Members { group, .. } => Place::Members { group: group.clone(), link: None },
        _ => Place::Users { link: None },
    }
}
