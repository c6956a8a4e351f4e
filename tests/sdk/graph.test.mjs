// Microsoft's JavaScript client, as it is, against the emulator. The client gives its token and follows links over https alone,
// so its last middleware, which carries requests out, takes them to the emulator instead.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import graphClient from "@microsoft/microsoft-graph-client";

const {
  AuthenticationHandler, BatchRequestContent, BatchResponseContent, Client, GraphError, HTTPMessageHandler, PageIterator,
  RetryHandler, RetryHandlerOptions, TelemetryHandler,
} = graphClient;

const emulator = process.env.GRAPH_EMULATOR;
const graphHost = "https://graph.microsoft.com";
const sales = "11111111-1111-1111-1111-111111111111";
const bram = "20000000-0000-4000-8000-000000000006";
const lena = "20000000-0000-4000-8000-000000000005";
const julia = "20000000-0000-4000-8000-000000000031";
const nobody = "20000000-0000-4000-8000-00000000ffff";
const e3 = "05e9a617-0261-4cee-bb44-138d3ef5d965";

// The client's own last middleware, told where Graph is today.
class ToTheEmulator extends HTTPMessageHandler {
  async execute(context) {
    const url = typeof context.request === "string" ? context.request : context.request.url;
    const headers = new Headers(context.options?.headers);
    headers.set("x-forwarded-host", new URL(url).host);
    headers.set("x-forwarded-proto", "https");
    context.options = { ...context.options, headers };
    context.request = url.replace(graphHost, emulator);
    await super.execute(context);
    context.request = url;
  }
}

function client() {
  const chain = [
    new AuthenticationHandler({ getAccessToken: async () => "emulated" }),
    new RetryHandler(new RetryHandlerOptions()),
    new TelemetryHandler(),
    new ToTheEmulator(),
  ];
  chain.slice(0, -1).forEach((handler, index) => handler.setNext(chain[index + 1]));
  return Client.initWithMiddleware({ middleware: chain[0] });
}

async function control(what, body) {
  const options = body === undefined ? {} : { method: "PUT", body: JSON.stringify(body) };
  const answer = await fetch(`${emulator}/_control/${what}`, options);
  assert.equal(answer.status, 200);
  return answer.json();
}

async function refused(call) {
  const error = await call.then(() => assert.fail("it was not refused"), (error) => error);
  assert.ok(error instanceof GraphError, String(error));
  return error;
}

async function everything(graph, page) {
  const items = [];
  const iterator = new PageIterator(graph, page, (item) => items.push(item) > 0);
  await iterator.iterate();
  assert.ok(iterator.isComplete());
  return { items, deltaLink: iterator.getDeltaLink() };
}

const person = {
  accountEnabled: true,
  displayName: "Zoë Müller",
  mailNickname: "zoe.muller",
  userPrincipalName: "zoe.muller@contoso.example",
  usageLocation: "NL",
  passwordProfile: { password: "Quiet-Rain-77", forceChangePasswordNextSignIn: true },
};

const graph = client();

beforeEach(async () => {
  await control("reset", {});
  await control("latency", { settle_ms: 0, license_ms: 0, membership_ms: 0 });
});

test("creates a user, reads what it selects, changes and deletes it", async () => {
  const made = await graph.api("/users").post(person);
  const user = await graph.api(`/users/${made.id}`).select("displayName,accountEnabled").get();
  assert.deepEqual([user.displayName, user.accountEnabled], ["Zoë Müller", true]);
  await graph.api(`/users/${made.id}`).update({ jobTitle: "Clerk" });
  assert.equal((await graph.api(`/users/${person.userPrincipalName}`).get()).jobTitle, "Clerk");
  await graph.api(`/users/${made.id}`).delete();
  assert.equal((await refused(graph.api(`/users/${made.id}`).get())).statusCode, 404);
});

test("reads all pages of a list", async () => {
  const page = await graph.api("/users").top(10).select(["id", "displayName"]).get();
  assert.equal(page.value.length, 10);
  assert.ok(page["@odata.nextLink"].startsWith(`${graphHost}/v1.0/users?`));
  const { items } = await everything(graph, page);
  assert.equal(new Set(items.map((item) => item.id)).size, 41);
});

test("reads all pages over plain http too", async () => {
  // The base address is all that is changed; since the client gives its token over https only, it is added by hand.
  class Signed extends HTTPMessageHandler {
    async execute(context) {
      const headers = new Headers(context.options?.headers);
      headers.set("authorization", "Bearer emulated");
      context.options = { ...context.options, headers };
      await super.execute(context);
    }
  }
  const plain = Client.initWithMiddleware({ baseUrl: emulator, middleware: new Signed() });
  const page = await plain.api("/users").top(10).select("id").get();
  assert.ok(page["@odata.nextLink"].startsWith(`${emulator}/v1.0/users?`));
  const { items } = await everything(plain, page);
  assert.equal(new Set(items.map((item) => item.id)).size, 41);
});

test("filters and counts in advanced queries", async () => {
  const page = await graph
    .api("/users").header("ConsistencyLevel", "eventual").count(true).filter("endsWith(mail,'@contoso.example')").top(3)
    .get();
  assert.deepEqual([page.value.length, page["@odata.count"]], [3, 40]);
});

test("reads error objects", async () => {
  const error = await refused(graph.api(`/users/${nobody}`).get());
  assert.deepEqual([error.statusCode, error.code], [404, "Request_ResourceNotFound"]);
  assert.match(error.message, /^Resource '20000000-.*' does not exist/);
  assert.ok(error.requestId && error.date instanceof Date);
  const taken = await refused(graph.api("/users").post({ ...person, userPrincipalName: "bram.jansen@contoso.example" }));
  assert.deepEqual([taken.statusCode, taken.code], [400, "Request_BadRequest"]);
  assert.equal(JSON.parse(taken.body).innerError["request-id"], taken.requestId);
});

test("adds and removes members", async () => {
  const reference = { "@odata.id": `${graphHost}/v1.0/directoryObjects/${julia}` };
  await graph.api(`/groups/${sales}/members/$ref`).post(reference);
  const again = await refused(graph.api(`/groups/${sales}/members/$ref`).post(reference));
  assert.match(again.message, /added object references already exist/);
  const { items } = await everything(graph, await graph.api(`/groups/${sales}/members`).top(2).get());
  assert.ok(items.some((member) => member.id === julia));
  await graph.api(`/groups/${sales}/members/${julia}/$ref`).delete();
  const groups = await graph.api(`/users/${julia}/memberOf/microsoft.graph.group`).get();
  assert.ok(groups.value.every((group) => group.id !== sales));
});

test("assigns and removes licenses", async () => {
  const skus = (await graph.api("/subscribedSkus").get()).value;
  const taken = skus.find((sku) => sku.skuId === e3).consumedUnits;
  await graph.api(`/users/${julia}/assignLicense`).post({ addLicenses: [{ skuId: e3, disabledPlans: [] }], removeLicenses: [] });
  assert.equal((await graph.api(`/users/${julia}/licenseDetails`).get()).value[0].skuId, e3);
  const now = (await graph.api("/subscribedSkus").select("skuId,consumedUnits").get()).value;
  assert.equal(now.find((sku) => sku.skuId === e3).consumedUnits, taken + 1);
  const user = await graph.api(`/users/${julia}/assignLicense`).post({ addLicenses: [], removeLicenses: [e3] });
  assert.equal(user.id, julia);
  assert.deepEqual((await graph.api(`/users/${julia}/licenseDetails`).get()).value, []);
});

test("deletes and restores", async () => {
  await graph.api(`/users/${bram}`).delete();
  const gone = await graph.api("/directory/deletedItems/microsoft.graph.user").get();
  assert.deepEqual(gone.value.map((user) => user.id), [bram]);
  const restored = await graph.api(`/directory/deletedItems/${bram}/restore`).post({});
  assert.deepEqual([restored.id, restored["@odata.type"]], [bram, "#microsoft.graph.user"]);
});

test("sends batches with dependencies", async () => {
  // The client takes a path from what follows the host of a request's address.
  const request = (path, options) => new Request(`https://batch/${path}`, options);
  const patch = { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ city: "Delft" }) };
  const content = new BatchRequestContent([
    { id: "1", request: request(`users/${bram}`, patch) },
    { id: "2", request: request(`users/${bram}?$select=city`), dependsOn: ["1"] },
    { id: "3", request: request(`users/${nobody}`), dependsOn: ["2"] },
    { id: "4", request: request(`users/${bram}`), dependsOn: ["3"] },
  ]);
  const answers = new BatchResponseContent(await graph.api("/$batch").post(await content.getContent()));
  const status = (id) => answers.getResponseById(id).status;
  assert.deepEqual(["1", "2", "3", "4"].map(status), [204, 200, 404, 424]);
  assert.equal((await answers.getResponseById("2").json()).city, "Delft");
});

test("follows delta links", async () => {
  await control("delta", { page: 10 });
  const first = await everything(graph, await graph.api("/users/delta").select("displayName,jobTitle").get());
  assert.equal(first.items.length, 41);
  await graph.api(`/users/${bram}`).patch({ jobTitle: "Manager" });
  await graph.api(`/users/${lena}`).delete();
  const second = await everything(graph, await graph.api(first.deltaLink).get());
  const told = Object.fromEntries(second.items.map((item) => [item.id, item]));
  assert.equal(told[bram].jobTitle, "Manager");
  assert.deepEqual(told[lena]["@removed"], { reason: "changed" });
  assert.deepEqual((await everything(graph, await graph.api(second.deltaLink).get())).items, []);
  await control("delta", { forget: true });
  const error = await refused(graph.api(second.deltaLink).get());
  assert.deepEqual([error.statusCode, error.code], [410, "syncStateNotFound"]);
});

test("waits as long as it is told and tries again", async () => {
  await control("faults", [{ match: { route: "/organization" }, action: "throttle", retry_after: 1 }]);
  assert.equal((await graph.api("/organization").get()).value[0].displayName, "Contoso");
  assert.deepEqual(await control("faults?unfired=true"), []);
});
