// Jobs of Cronitor's client for Node, with another host in its addresses, as whoever moves has it.
const { BELFRY, PING_KEY } = process.env;
const cronitor = require("cronitor")(PING_KEY);
cronitor._api.pingUrl = (key) => `${BELFRY}/ping/${PING_KEY}/${key}`;

async function main() {
  await cronitor.wrap("good", async () => "seven files")();
  await cronitor.wrap("bad", async () => { throw new Error("no disk"); })().catch(() => {});
  const beat = new cronitor.Monitor("beat");
  console.log(await beat.ping({ state: "ok", message: "here", metrics: { count: 7, duration: 1.5 } }));
}

main();
