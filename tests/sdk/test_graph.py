"""Microsoft's SDK for Python, as it is, against the emulator."""

import json
import logging
import os
import time
import unittest
import urllib.request

from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.delta.delta_request_builder import DeltaRequestBuilder as GroupsDelta
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.models.assigned_license import AssignedLicense
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.group import Group
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.reference_update import ReferenceUpdate
from msgraph.generated.models.temporary_access_pass_authentication_method import (
    TemporaryAccessPassAuthenticationMethod,
)
from msgraph.generated.models.user import User
from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder as UsersDelta
from msgraph.generated.users.item.assign_license.assign_license_post_request_body import AssignLicensePostRequestBody
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

# unittest runs asyncio in debug mode, which remarks on every slow import.
logging.getLogger("asyncio").setLevel(logging.ERROR)

EMULATOR = os.environ["GRAPH_EMULATOR"]
GRAPH = "https://graph.microsoft.com/v1.0"
SALES = "11111111-1111-1111-1111-111111111111"
BRAM = "20000000-0000-4000-8000-000000000006"
LENA = "20000000-0000-4000-8000-000000000005"
JULIA = "20000000-0000-4000-8000-000000000031"
ADMIN = "20000000-0000-4000-8000-000000000035"
NOBODY = "20000000-0000-4000-8000-00000000ffff"
E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"


class Token:
    """A credential that needs no login page."""

    def get_token(self, *_scopes, **_options):
        return AccessToken("emulated", int(time.time()) + 3600)


def control(what, body=None):
    """Pulls a string behind the stage."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{EMULATOR}/_control/{what}", data, method="GET" if body is None else "PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def graph():
    """The SDK's client with its default middleware; only the address is ours."""
    adapter = GraphRequestAdapter(AzureIdentityAuthenticationProvider(Token(), allowed_hosts=["127.0.0.1"]))
    adapter.base_url = f"{EMULATOR}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


def select(builder, *names, **more):
    """The configuration of a GET that selects properties."""
    return RequestConfiguration(query_parameters=builder(select=list(names), **more))


def new_user(name="zoe.muller"):
    return User(
        account_enabled=True,
        display_name="Zoë Müller",
        mail_nickname=name,
        user_principal_name=f"{name}@contoso.example",
        usage_location="NL",
        password_profile=PasswordProfile(password="Quiet-Rain-77", force_change_password_next_sign_in=True),
    )


class Sdk(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        control("reset", {})
        control("latency", {"settle_ms": 0, "license_ms": 0, "membership_ms": 0})
        self.graph = graph()

    async def refused(self, call):
        with self.assertRaises(ODataError) as caught:
            await call
        return caught.exception

    async def everything(self, page):
        """All items of all pages, by the SDK's own iterator."""
        items = []
        iterator = PageIterator(page, self.graph.request_adapter)
        await iterator.iterate(lambda item: items.append(item) or True)
        return items

    async def test_creates_a_user_and_reads_what_it_selects(self):
        made = await self.graph.users.post(new_user())
        fields = ("id", "displayName", "accountEnabled", "usageLocation", "createdDateTime", "assignedLicenses")
        user = await self.graph.users.by_user_id(made.id).get(
            select(UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters, *fields)
        )
        self.assertEqual((user.display_name, user.account_enabled, user.usage_location), ("Zoë Müller", True, "NL"))
        self.assertIsNotNone(user.created_date_time.tzinfo)
        self.assertEqual(user.assigned_licenses, [])
        self.assertIsNone(made.account_enabled)
        by_name = await self.graph.users.by_user_id("zoe.muller@contoso.example").get()
        self.assertEqual(by_name.id, made.id)

    async def test_changes_and_clears_properties(self):
        users = self.graph.users.by_user_id(BRAM)
        self.assertIsNone(await users.patch(User(job_title="Key Account Manager", business_phones=["+31 15 1234567"])))
        user = await users.get()
        self.assertEqual((user.job_title, user.business_phones), ("Key Account Manager", ["+31 15 1234567"]))
        await users.patch(User(additional_data={"jobTitle": None}))
        self.assertIsNone((await users.get()).job_title)

    async def test_reads_all_pages_of_a_list(self):
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=10, select=["id", "displayName"])
        page = await self.graph.users.get(RequestConfiguration(query_parameters=query))
        self.assertEqual(len(page.value), 10)
        users = await self.everything(page)
        self.assertEqual(len({user.id for user in users}), 41)

    async def test_filters_counts_and_searches(self):
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter="endsWith(mail,'@contoso.example')", count=True, orderby=["displayName"], top=5
        )
        configuration = RequestConfiguration(query_parameters=query)
        configuration.headers.add("ConsistencyLevel", "eventual")
        page = await self.graph.users.get(configuration)
        self.assertEqual((len(page.value), page.odata_count), (5, 40))
        names = [user.display_name for user in page.value]
        self.assertEqual(names, sorted(names, key=str.lower))
        configuration = RequestConfiguration()
        configuration.headers.add("ConsistencyLevel", "eventual")
        self.assertEqual(await self.graph.users.count.get(configuration), 41)

    async def test_expands_sets_and_removes_a_manager(self):
        users = self.graph.users.by_user_id(BRAM)
        await users.manager.ref.put(ReferenceUpdate(odata_id=f"{GRAPH}/users/{JULIA}"))
        self.assertEqual((await users.manager.get()).id, JULIA)
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(expand=["manager"])
        self.assertEqual((await users.get(RequestConfiguration(query_parameters=query))).manager.id, JULIA)
        await users.manager.ref.delete()
        error = await self.refused(users.manager.get())
        self.assertEqual((error.response_status_code, error.error.code), (404, "Request_ResourceNotFound"))

    async def test_reads_error_objects(self):
        error = await self.refused(self.graph.users.by_user_id(NOBODY).get())
        self.assertEqual((error.response_status_code, error.error.code), (404, "Request_ResourceNotFound"))
        self.assertTrue(error.error.message.startswith(f"Resource '{NOBODY}' does not exist"))
        self.assertEqual(error.error.inner_error.request_id, error.response_headers["request-id"])
        self.assertIsNotNone(error.error.inner_error.date)
        error = await self.refused(self.graph.users.post(new_user("bram.jansen")))
        self.assertEqual((error.response_status_code, error.error.code), (400, "Request_BadRequest"))
        detail = error.error.details[0]
        self.assertEqual((detail.code, detail.target), ("ObjectConflict", "userPrincipalName"))
        error = await self.refused(self.graph.users.by_user_id(ADMIN).patch(User(account_enabled=False)))
        self.assertEqual((error.response_status_code, error.error.code), (403, "Authorization_RequestDenied"))

    async def test_adds_and_removes_members(self):
        group = self.graph.groups.by_group_id(SALES)
        await group.members.ref.post(ReferenceCreate(odata_id=f"{GRAPH}/directoryObjects/{JULIA}"))
        query = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(top=2)
        members = await self.everything(await group.members.get(RequestConfiguration(query_parameters=query)))
        self.assertIn(JULIA, [member.id for member in members])
        self.assertIsInstance(members[0], User)
        again = await self.refused(
            group.members.ref.post(ReferenceCreate(odata_id=f"{GRAPH}/directoryObjects/{JULIA}"))
        )
        self.assertIn("added object references already exist", again.error.message)
        body = CheckMemberGroupsPostRequestBody(group_ids=[SALES, NOBODY])
        self.assertEqual((await self.graph.users.by_user_id(JULIA).check_member_groups.post(body)).value, [SALES])
        groups = await self.graph.users.by_user_id(JULIA).member_of.graph_group.get()
        self.assertIn(SALES, [found.id for found in groups.value])
        await group.members.by_directory_object_id(JULIA).ref.delete()
        users = (await group.members.graph_user.get()).value
        self.assertNotIn(JULIA, [member.id for member in users])

    async def test_creates_a_group_with_members(self):
        bound = {"members@odata.bind": [f"{GRAPH}/users/{JULIA}", f"{GRAPH}/users/{BRAM}"]}
        group = await self.graph.groups.post(
            Group(
                display_name="Choir",
                mail_enabled=False,
                mail_nickname="choir",
                security_enabled=True,
                additional_data=bound,
            )
        )
        members = await self.graph.groups.by_group_id(group.id).members.get()
        self.assertEqual({member.id for member in members.value}, {JULIA, BRAM})
        await self.graph.groups.by_group_id(group.id).delete()
        self.assertEqual((await self.refused(self.graph.groups.by_group_id(group.id).get())).response_status_code, 404)

    async def test_assigns_and_removes_licenses(self):
        skus = (await self.graph.subscribed_skus.get()).value
        sku = next(sku for sku in skus if str(sku.sku_id) == E3)
        taken = sku.consumed_units
        self.assertGreater(sku.prepaid_units.enabled, taken)
        user = self.graph.users.by_user_id(JULIA)
        plan = sku.service_plans[0].service_plan_id
        add = AssignLicensePostRequestBody(
            add_licenses=[AssignedLicense(sku_id=sku.sku_id, disabled_plans=[plan])], remove_licenses=[]
        )
        await user.assign_license.post(add)
        details = (await user.license_details.get()).value
        self.assertEqual([(str(held.sku_id), held.sku_part_number) for held in details], [(E3, "SPE_E3")])
        self.assertEqual(details[0].service_plans[0].provisioning_status, "Disabled")
        fields = ("licenseAssignmentStates", "assignedPlans")
        found = await user.get(select(UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters, *fields))
        self.assertEqual(found.license_assignment_states[0].state, "Active")
        after = await self.graph.subscribed_skus.by_subscribed_sku_id(sku.id).get()
        self.assertEqual(after.consumed_units, taken + 1)
        await user.assign_license.post(AssignLicensePostRequestBody(add_licenses=[], remove_licenses=[sku.sku_id]))
        self.assertEqual((await user.license_details.get()).value, [])
        await user.revoke_sign_in_sessions.post()

    async def test_deletes_restores_and_deletes_for_good(self):
        await self.graph.users.by_user_id(BRAM).delete()
        deleted = self.graph.directory.deleted_items
        self.assertEqual([user.id for user in (await deleted.graph_user.get()).value], [BRAM])
        item = await deleted.by_directory_object_id(BRAM).get()
        self.assertIsInstance(item, User)
        self.assertIsNotNone(item.deleted_date_time)
        restored = await deleted.by_directory_object_id(BRAM).restore.post(None)
        self.assertEqual(restored.id, BRAM)
        await self.graph.users.by_user_id(BRAM).delete()
        await deleted.by_directory_object_id(BRAM).delete()
        error = await self.refused(deleted.by_directory_object_id(BRAM).get())
        self.assertEqual(error.response_status_code, 404)

    async def test_sends_batches(self):
        batch = BatchRequestContent()
        user = self.graph.users.by_user_id(BRAM)
        for name, request in [
            ("read", user.to_get_request_information()),
            ("write", user.to_patch_request_information(User(city="Delft"))),
            ("missing", self.graph.users.by_user_id(NOBODY).to_get_request_information()),
        ]:
            batch.add_request(name, BatchRequestItem(request, id=name))
        answers = await self.graph.batch.post(batch)
        self.assertEqual(answers.get_response_status_codes(), {"read": 200, "write": 204, "missing": 404})
        # The SDK drops the bodies of a batch's answers (microsoft/kiota-python issue 737): the effect is read instead.
        city = select(UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters, "city")
        self.assertEqual((await user.get(city)).city, "Delft")

    async def test_follows_delta_links(self):
        control("delta", {"page": 10})
        page = await self.graph.users.delta.get(
            select(UsersDelta.DeltaRequestBuilderGetQueryParameters, "displayName", "jobTitle")
        )
        seen = list(page.value)
        while page.odata_next_link:
            page = await self.graph.users.delta.with_url(page.odata_next_link).get()
            seen.extend(page.value)
        self.assertEqual(len(seen), 41)
        await self.graph.users.by_user_id(BRAM).patch(User(job_title="Manager"))
        await self.graph.users.by_user_id(LENA).delete()
        page = await self.graph.users.delta.with_url(page.odata_delta_link).get()
        told = {user.id: user for user in page.value}
        self.assertEqual(told[BRAM].job_title, "Manager")
        self.assertEqual(told[LENA].additional_data["@removed"], {"reason": "changed"})
        control("delta", {"forget": True})
        error = await self.refused(self.graph.users.delta.with_url(page.odata_delta_link).get())
        self.assertEqual((error.response_status_code, error.error.code), (410, "syncStateNotFound"))

    async def test_follows_the_members_of_groups(self):
        page = await self.graph.groups.delta.get(
            select(GroupsDelta.DeltaRequestBuilderGetQueryParameters, "displayName", "members")
        )
        sales = next(group for group in page.value if group.id == SALES)
        self.assertIn(BRAM, [str(member["id"]) for member in sales.additional_data["members@delta"]])
        await self.graph.groups.by_group_id(SALES).members.by_directory_object_id(BRAM).ref.delete()
        page = await self.graph.groups.delta.with_url(page.odata_delta_link).get()
        left = page.value[0].additional_data["members@delta"][0]
        self.assertEqual((str(left["id"]), left["@removed"]), (BRAM, {"reason": "deleted"}))

    async def test_invites_a_guest(self):
        made = await self.graph.invitations.post(
            Invitation(
                invited_user_email_address="kim@fabrikam.example",
                invite_redirect_url="https://contoso.example",
                send_invitation_message=True,
                invited_user_sponsors=[User(id=LENA)],
            )
        )
        guest = self.graph.users.by_user_id(made.invited_user.id)
        fields = ("userType", "externalUserState", "mail")
        found = await guest.get(select(UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters, *fields))
        self.assertEqual((found.user_type, found.external_user_state), ("Guest", "PendingAcceptance"))
        self.assertEqual([sponsor.id for sponsor in (await guest.sponsors.get()).value], [LENA])
        self.assertEqual(control("mail")[0]["invitation"], made.invited_user.id)

    async def test_makes_an_access_pass_and_sends_mail(self):
        passes = self.graph.users.by_user_id(BRAM).authentication.temporary_access_pass_methods
        made = await passes.post(TemporaryAccessPassAuthenticationMethod(lifetime_in_minutes=60, is_usable_once=True))
        self.assertEqual(len(made.temporary_access_pass), 8)
        read = await passes.by_temporary_access_pass_authentication_method_id(made.id).get()
        self.assertEqual((read.temporary_access_pass, read.is_usable), (None, True))
        message = Message(
            subject="Welcome",
            body=ItemBody(content_type=BodyType.Text, content="Good morning"),
            to_recipients=[Recipient(email_address=EmailAddress(address="lena.schafer@contoso.example"))],
        )
        await self.graph.users.by_user_id(JULIA).send_mail.post(
            SendMailPostRequestBody(message=message, save_to_sent_items=False)
        )
        sent = control("mail")[0]
        self.assertEqual((sent["from"], sent["message"]["subject"]), (JULIA, "Welcome"))

    async def test_waits_as_long_as_it_is_told_and_tries_again(self):
        fault = {"match": {"route": "/organization"}, "action": "throttle", "retry_after": 1}
        control("faults", [fault])
        organization = (await self.graph.organization.get()).value[0]
        self.assertEqual(organization.display_name, "Contoso")
        self.assertEqual(control("faults?unfired=true"), [])
        statuses = [call["status"] for call in control("calls")["calls"]]
        self.assertEqual(statuses, [429, 200])

    async def test_asks_what_no_builder_offers(self):
        request = RequestInformation(Method.GET, "{+baseurl}/users/{id}/authentication/methods", {"id": BRAM})
        request.path_parameters["baseurl"] = self.graph.request_adapter.base_url
        answer = await self.graph.request_adapter.send_primitive_async(request, "bytes", {})
        self.assertEqual(len(json.loads(answer)["value"]), 3)


if __name__ == "__main__":
    unittest.main()
