// oidc-provider as three hosts: Entra's sign-in, Google's token endpoints, and the issuer of a CI
// job's identity tokens. Standard input says which clients there are; each line of standard output
// is JSON: first the port and the refresh tokens, then the outcome of every request for a token.
//
// oidc-provider checks clients, their secrets and assertions, and refresh tokens. It lacks the two
// grants of Google's that name no client: jose checks the assertion or subject token of these, with
// the key of the client that Google would know by it.

import http from "node:http";
import { readFileSync } from "node:fs";
import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { Provider, errors } from "oidc-provider";

const { entra, google, ci } = JSON.parse(readFileSync(0));
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const OWN_PATHS = /^\/[^/]+\/v2\.0(?=\/\.well-known\/)|^\/v1(?=\/token$)/;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const on = { enabled: true };
const features = { clientCredentials: on, devInteractions: { enabled: false }, introspection: on };
const providers = {};
const refreshTokens = {};

for (const { host, issuer, path, clients, refresh, jwks, scopes } of [entra, google, ci]) {
  const provider = new Provider(issuer, {
    clients: clients.map((client) => ({ redirect_uris: [], response_types: [], ...client })),
    jwks,
    scopes,
    routes: { token: path },
    features,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    rotateRefreshToken: false,
  });
  provider.registerGrantType(JWT_BEARER, verified("assertion"), ["assertion"]);
  const names = ["audience", "scope", "subject_token", "subject_token_type", "requested_token_type"];
  provider.registerGrantType(TOKEN_EXCHANGE, verified("subject_token"), names);
  provider.on("grant.success", ({ oidc }) => say({ client: oidc.client.clientId }));
  provider.on("grant.error", (_, { error, error_detail, error_description }) =>
    say({ error, detail: error_detail ?? error_description }),
  );
  for (const id of refresh) {
    refreshTokens[id] = await refreshToken(provider, id);
  }
  provider.proxy = true;
  providers[host] = provider;
}
providers["sts.googleapis.com"] = providers[google.host];

function verified(parameter) {
  return async (ctx) => {
    const { client, params, provider } = ctx.oidc;
    const { issuer, audience } = google.expected[client.clientId];
    const expected = { issuer, audience, algorithms: ["RS256"], maxTokenAge: "1h" };
    const options = { ...expected, requiredClaims: ["exp", "iat"] };
    let payload;
    try {
      ({ payload } = await jwtVerify(params[parameter], createLocalJWKSet(client.jwks), options));
    } catch (error) {
      throw new errors.CustomOIDCProviderError("invalid_grant", error.message);
    }
    const scope = params.scope ?? payload.scope;
    const token = new provider.ClientCredentials({ client, scope });
    const access_token = await token.save();
    ctx.body = { access_token, expires_in: token.expiration, token_type: "Bearer" };
  };
}

async function refreshToken(provider, clientId) {
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId: "someone", clientId });
  grant.addOIDCScope("openid");
  const whose = { accountId: "someone", client, grantId: await grant.save(), scope: "openid" };
  return new provider.RefreshToken({ ...whose, gty: "authorization_code" }).save();
}

// The client of a request that names none is its assertion's issuer, or its audience.
async function namingClient(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const form = new URLSearchParams(text);
  let client;
  if (form.get("grant_type") === JWT_BEARER) client = decodeJwt(form.get("assertion")).iss;
  if (form.get("grant_type") === TOKEN_EXCHANGE) client = form.get("audience");
  return client ? `${text}&client_id=${encodeURIComponent(client)}` : text;
}

const server = http.createServer(async (request, response) => {
  request.url = request.url.replace(OWN_PATHS, "");
  request.headers["x-forwarded-proto"] = "https";
  if (request.method === "POST") request.body = await namingClient(request);
  providers[request.headers.host].callback()(request, response);
});
server.listen(0, "127.0.0.1", () => say({ port: server.address().port, refreshTokens }));
