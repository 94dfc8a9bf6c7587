// Prints a token for the user whose id is the first argument, signed with JWT_SECRET from .dev.vars.
import { userToken } from "./jwt.mjs";
import { fail, settings } from "./settings.mjs";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const sub = process.argv[2] ?? "";
if (!UUID.test(sub)) fail(`SUB must be the user's UUID, not ${JSON.stringify(sub)}: make token SUB=<uuid>`);

const { JWT_SECRET } = settings();
if (!JWT_SECRET) fail(".dev.vars has no JWT_SECRET");

console.log(userToken(sub, JWT_SECRET));
