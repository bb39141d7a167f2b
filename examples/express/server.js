// Pictures that visitors upload: kept in storage, served at /uploads.
const { randomBytes } = require("node:crypto");
const fs = require("node:fs");
const { open, readFile, readdir, rename } = require("node:fs/promises");
const path = require("node:path");
const express = require("express");
const multer = require("multer");

// Potions sets STORAGE_DIR. Without it, on a developer's computer, storage/ beside this file takes its place.
const storage = path.resolve(process.env.STORAGE_DIR || path.join(__dirname, "storage"));
const uploads = path.join(storage, "uploads");
// Beside uploads and not in /tmp: a file can be renamed within one file system only.
const arriving = path.join(storage, "arriving");
for (const folder of [uploads, arriving]) fs.mkdirSync(folder, { recursive: true });

const kinds = new Set([".gif", ".jpeg", ".jpg", ".png", ".webp"]);
const kindOf = (name) => path.extname(name).toLowerCase();
const pictures = multer({
  dest: arriving,
  limits: { fileSize: 20 * 1024 * 1024 },
  fileFilter: (request, file, decide) => decide(null, kinds.has(kindOf(file.originalname))),
});

const app = express();
// What the release brings along, and what visitors uploaded: two directories, two paths.
app.use(express.static(path.join(__dirname, "public")));
app.use("/uploads", express.static(uploads, { index: false }));

app.get("/", async (request, response) => {
  const names = (await readdir(uploads)).filter((name) => kinds.has(kindOf(name))).sort();
  const shown = names.map((name) => `<a href="/uploads/${name}"><img src="/uploads/${name}" alt=""></a>`);
  const page = await readFile(path.join(__dirname, "index.html"), "utf8");
  response.send(page.replace("<!-- pictures -->", shown.join("\n") || "<p>None yet.</p>"));
});

app.post("/upload", pictures.single("picture"), async (request, response) => {
  if (!request.file) return response.status(400).send("Send a picture, in the field: picture\n");
  // A name of our own: what a visitor calls a file is never a path here, and nothing is ever replaced.
  const name = randomBytes(8).toString("hex") + kindOf(request.file.originalname);
  await keep(request.file.path, name);
  response.redirect(303, `/uploads/${name}`);
});

app.get("/health", (request, response) => response.type("text").send("ok\n"));

// Sync, then rename: nobody ever sees half a picture, and an answer means that it is on disk.
async function keep(arrived, name) {
  const file = await open(arrived, "r+");
  await file.sync();
  await file.close();
  await rename(arrived, path.join(uploads, name));
}

const server = app.listen(Number(process.env.PORT || 3000), "127.0.0.1", () => {
  console.log(`listening on ${server.address().port}`);
});
// Finish what has begun, then end.
process.on("SIGTERM", () => server.close());
