"use strict";
// HashKey's names lead to the simulator: read by every Node that `hashkey-sim exec` starts, before its first line.
//
// The twin of ../python/sitecustomize.py for Node. It knows of the simulator only what the variables HASHKEY_DETOUR_...
// say. Trust is Node's own matter: NODE_EXTRA_CA_CERTS names the authority. If this file fails, Node does not start.

const dns = require("node:dns");
const net = require("node:net");
const { syncBuiltinESMExports } = require("node:module");

const FAMILIES = ["hashkey.com", "hashkeydev.com", "bmuxdc.com"];
const told = (name) => process.env["HASHKEY_DETOUR_" + name] || "";
const ADDRESS = told("ADDRESS");
const NAMES = new Set(ADDRESS ? told("NAMES").split(",") : []);
const PORTS = new Map(told("PORTS").split(",").filter(Boolean).map((pair) => pair.split(":").map(Number)));

// The plain spelling of a host name if it is HashKey's, else null.
function hashkeys(host) {
  if (typeof host !== "string") return null;
  const plain = host.toLowerCase().replace(/\.+$/, "");
  return FAMILIES.some((family) => plain === family || plain.endsWith("." + family)) ? plain : null;
}

function refusal(name) {
  const error = new Error(`${name} is HashKey's and not the simulator's: hashkey-sim exec lets nothing out`);
  return Object.assign(error, { code: "ENOTFOUND", errno: -3008, syscall: "getaddrinfo", hostname: name });
}

// What Socket.connect is to be told instead; null: nothing, as it is not about HashKey.
function rerouted(options) {
  const name = hashkeys(options.host);
  const known = Number(options.port);
  if (name === null) {
    const ours = ADDRESS && options.host === ADDRESS && ADDRESS !== "127.0.0.1" && PORTS.has(known);
    return ours ? { ...options, port: PORTS.get(known) } : null;
  }
  if (!NAMES.has(name)) throw refusal(name);
  if (!PORTS.has(known)) throw refusal(`${name}:${known}`);
  return { ...options, host: ADDRESS, port: PORTS.get(known), lookup: undefined };
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  let options = args[0];
  const normalized = Array.isArray(options); // Node's own form: [options, callback], marked with a symbol
  if (normalized) options = options[0];
  else if (options === null || typeof options !== "object") {
    if (typeof options === "string" && !/^\d+$/.test(options)) return connect.apply(this, args); // a path
    options = { port: options, host: typeof args[1] === "string" ? args[1] : "localhost" };
    if (hashkeys(options.host) !== null) args.splice(1, 1);
  }
  let instead;
  try {
    instead = rerouted(options);
  } catch (error) {
    this.destroy(error);
    return this;
  }
  if (instead !== null && normalized) args[0][0] = instead;
  else if (instead !== null) args[0] = instead;
  return connect.apply(this, args);
};

const lookup = dns.lookup;
dns.lookup = function (host, options, callback) {
  const name = hashkeys(host);
  if (name === null) return lookup.apply(this, arguments);
  const answer = typeof options === "function" ? options : callback;
  if (!NAMES.has(name)) process.nextTick(answer, refusal(name));
  else if (options && options.all) process.nextTick(answer, null, [{ address: ADDRESS, family: 4 }]);
  else process.nextTick(answer, null, ADDRESS, 4);
  return {};
};

const lookupPromise = dns.promises.lookup;
dns.promises.lookup = async function (host, options) {
  const name = hashkeys(host);
  if (name === null) return lookupPromise.apply(this, arguments);
  if (!NAMES.has(name)) throw refusal(name);
  const found = { address: ADDRESS, family: 4 };
  return options && options.all ? [found] : found;
};

// Name servers are not asked for HashKey's names at all.
for (const owner of [dns, dns.Resolver.prototype]) {
  for (const method of ["resolve", "resolve4", "resolve6", "resolveAny", "resolveCname"]) {
    const original = owner[method];
    owner[method] = function (host, ...rest) {
      const name = hashkeys(host);
      if (name === null) return original.call(this, host, ...rest);
      process.nextTick(rest[rest.length - 1], refusal(name));
      return {};
    };
  }
}
for (const owner of [dns.promises, dns.promises.Resolver.prototype]) {
  for (const method of ["resolve", "resolve4", "resolve6", "resolveAny", "resolveCname"]) {
    const original = owner[method];
    owner[method] = async function (host, ...rest) {
      const name = hashkeys(host);
      if (name !== null) throw refusal(name);
      return original.call(this, host, ...rest);
    };
  }
}
syncBuiltinESMExports();
