// Loaded before kinesis-local, which listens on all interfaces, without a way to tell it otherwise: every socket of it is
// bound to loopback. The port of plain HTTP is printed once it listens, as text, for FORCE_COLOR colours numbers; where
// PORT is not set, it is a free one.
// It ends when its standard input does, so that it never outlives who started it.
const net = require("net");

const PLAIN = Number(process.env.KINESIS_MOCK_PLAIN_PORT);
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== "number") throw new Error(`loopback.js: kinesis-local listens otherwise: ${JSON.stringify(port)}`);
  const callback = rest.filter((one) => typeof one === "function");
  if (port === PLAIN) this.once("listening", () => console.log(String(this.address().port)));
  return listen.call(this, port === PLAIN ? Number(process.env.PORT || 0) : 0, "127.0.0.1", ...callback);
};

process.stdin.on("end", () => process.exit(0)).resume();
