// Plain ccxt for Node, REST and a socket. With an URL as argument it is told where to go, else it is as installed.
// Standard output: one JSON document. The key pair comes in two variables.
"use strict";
const ccxt = require("ccxt");

async function main(url) {
  const auth = { apiKey: process.env.HASHKEY_SIM_API_KEY, secret: process.env.HASHKEY_SIM_API_SECRET };
  const exchange = new (ccxt.pro || ccxt.default.pro).hashkey(auth);
  if (url) {
    const ws = url.replace("https:", "wss:");
    const sockets = { public: ws + "/quote/ws/v1", private: ws + "/api/v1/ws" };
    exchange.urls.api = { public: url, private: url, ws: sockets };
  }
  const placed = await exchange.createOrder("BTC/USDT", "market", "buy", 0.001);
  const { status, filled } = await exchange.fetchOrder(placed.id, "BTC/USDT");
  const book = await exchange.watchOrderBook("BTC/USDT");
  const dns = require("node:dns/promises");
  const elsewhere = await dns.lookup("www.hashkey.com").then(() => "found", (error) => error.message);
  console.log(JSON.stringify({ status, filled, levels: Math.min(book.bids.length, book.asks.length), elsewhere }));
  await exchange.close();
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
