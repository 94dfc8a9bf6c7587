// Stands in PATH for wrangler and answers like it: what it prints and how it ends is what wrangler 4.164 prints, without
// an account. What there is in the account it keeps in the file ACCOUNT, with each call that it got.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";

const file = process.env.ACCOUNT;
const account = JSON.parse(readFileSync(file, "utf8"));
const command = process.argv.slice(2);
const option = (name) => command[command.indexOf(name) + 1];

const uploaded = command.join(" ").startsWith("secret bulk") ? JSON.parse(await text(process.stdin)) : undefined;
account.calls.push({ command: command.join(" "), account: process.env.CLOUDFLARE_ACCOUNT_ID, names: uploaded && Object.keys(uploaded) });

const print = (value) => console.log(JSON.stringify(value, null, 2));
const words = command.slice(0, command.findIndex((word) => word.startsWith("--"))).join(" ") || command.join(" ");

function end(code, message) {
  writeFileSync(file, JSON.stringify(account));
  if (message) console.error(`\n✘ [ERROR] ${message}\n`);
  process.exit(code);
}

if (account.fails && words.startsWith(account.fails)) end(1, "A request to the Cloudflare API failed.");

switch (words) {
  case "whoami":
    if (!account.accounts) {
      console.log('{"loggedIn":false}');
      end(1);
    }
    print({ loggedIn: true, authType: "OAuth Token", email: "owner@example.com", accounts: account.accounts, tokenPermissions: [] });
    break;
  case "d1 list":
    print(account.databases);
    break;
  case "d1 create promptmeter":
    if (account.databases.some(({ name }) => name === "promptmeter")) end(1, "A database with that name already exists [code: 7502]");
    account.databases.push({ uuid: account.next, name: "promptmeter", created_at: "2026-11-29T00:00:00.000Z", version: "production" });
    console.log("✅ Successfully created DB 'promptmeter' in region WEUR\nCreated your new D1 database.\n");
    break;
  case "d1 time-travel info promptmeter":
    print({ bookmark: "00000085-ffffffff-00004c6d-2510c8b03a2eb2c48b2422bb3b33fad5" });
    break;
  case "d1 migrations apply promptmeter":
    console.log("✅ No migrations to apply!");
    break;
  case "secret list":
    if (!account.worker) end(1, 'Worker "promptmeter" not found.\n\nIf this is a new Worker, run `wrangler deploy` first to create it.');
    print(Object.keys(account.secrets).map((name) => ({ name, type: "secret_text" })));
    break;
  case "secret bulk":
    account.worker = true;
    Object.assign(account.secrets, uploaded);
    console.log(Object.keys(uploaded).map((name) => `✨ Successfully created secret for key: ${name}`).join("\n"));
    break;
  case "deploy": {
    account.worker = true;
    account.deployed = readFileSync(option("--config"), "utf8");
    const targets = account.targets ?? ["https://promptmeter.owner.workers.dev", "schedule: */5 * * * *"];
    const report = { type: "deploy", version: 1, worker_name: "promptmeter", version_id: "v", targets };
    appendFileSync(process.env.WRANGLER_OUTPUT_FILE_PATH, `${JSON.stringify({ type: "wrangler-session", version: 1 })}\n${JSON.stringify(report)}\n`);
    console.log("Current Version ID: v");
    break;
  }
  default:
    end(1, `Unknown command: ${command.join(" ")}`);
}
end(0);
