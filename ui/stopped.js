/** The page of a program that cannot start: what it was told to say, and nothing else. */

import { part, text } from "./dom.js";

const said = new URLSearchParams(location.search);

for (const name of ["title", "why"]) text(part(document, name), said.get(name) ?? "");
