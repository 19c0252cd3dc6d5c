"use strict";
const express = require("express");
const app = express();
app.get("/", (_request, response) => response.json({version: "1", uid: String(process.getuid())}));
const server = app.listen(Number(process.env.PORT), "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
