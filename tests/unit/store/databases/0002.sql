BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE apps (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR NOT NULL, 
	first_port INTEGER NOT NULL, 
	created DATETIME NOT NULL, 
	stopped BOOLEAN NOT NULL, 
	deleted_at DATETIME
);
INSERT INTO "apps" VALUES(1,'blog',4000,'2026-11-27 14:07:55.034758',0,NULL);
INSERT INTO "apps" VALUES(2,'old',4002,'2026-11-27 14:07:55.099033',0,'2026-11-01 00:00:00.000000');
CREATE TABLE "deployments" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	app_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	release VARCHAR NOT NULL, 
	slot VARCHAR, 
	previous INTEGER, 
	target INTEGER, 
	"by" VARCHAR NOT NULL, 
	created DATETIME NOT NULL, 
	began DATETIME, 
	ended DATETIME, 
	served INTEGER, 
	draining BOOLEAN NOT NULL, 
	failure JSON, 
	environment BLOB, 
	auto_names JSON, 
	strategy VARCHAR, 
	standby_until DATETIME, 
	CONSTRAINT deployments_number UNIQUE (app_id, number), 
	CONSTRAINT deployments_served UNIQUE (app_id, served), 
	FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE, 
	FOREIGN KEY(app_id, release) REFERENCES releases (app_id, id)
);
INSERT INTO "deployments" VALUES(1,1,1,'deploy','succeeded','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','blue',NULL,NULL,'ann','2026-11-27 14:07:55.057438','2026-11-27 14:07:55.063200','2026-11-27 14:07:55.080955',1,0,NULL,X'0147CD3A84CC2C4F907D5E781C40CDF9AEBDB0D59F73E269D941E0BC8B5865F4F4BFCBF57C0446D4D148502F3E','["SECRET_KEY_BASE"]',NULL,NULL);
INSERT INTO "deployments" VALUES(2,1,2,'deploy','rolled back','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','green',1,NULL,'ann','2026-11-27 14:07:55.086149','2026-11-27 14:07:55.088528','2026-11-27 14:07:55.092926',2,0,NULL,X'01BC0BD59C56E094B705BFFE4C8AF2217C749E2157F1924C08DA631668B15A12F185A66B5A56BB2CC61319F5E3','["SECRET_KEY_BASE"]',NULL,NULL);
INSERT INTO "deployments" VALUES(3,1,3,'rollback','succeeded','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','blue',2,1,'ann','2026-11-27 14:07:55.094489','2026-11-27 14:07:55.096638','2026-11-27 14:07:55.097804',3,1,NULL,X'012EBC21AE22DC3B5CB1703348B122A26E87146253E5B7F657C984F1D850FA2D2DDDF4AAEB4A067E4F868AF54737','[]',NULL,NULL);
CREATE TABLE "releases" (
	app_id INTEGER NOT NULL, 
	id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	suffix VARCHAR NOT NULL, 
	packed_bytes INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	received DATETIME NOT NULL, 
	pruned BOOLEAN NOT NULL, 
	files INTEGER, 
	unpacked_bytes INTEGER, 
	PRIMARY KEY (app_id, id), 
	CONSTRAINT releases_number UNIQUE (app_id, number), 
	FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);
INSERT INTO "releases" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'tar.gz',100,'blog','2026-11-27 14:07:55.044287',0,NULL,NULL);
INSERT INTO "releases" VALUES(1,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',2,'tar.zst',200,'blog','2026-11-27 14:07:55.050745',0,NULL,NULL);
CREATE TABLE steps (
	deployment_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	began DATETIME NOT NULL, 
	ended DATETIME, 
	undone DATETIME, 
	PRIMARY KEY (deployment_id, position), 
	FOREIGN KEY(deployment_id) REFERENCES deployments (id) ON DELETE CASCADE
);
INSERT INTO "steps" VALUES(1,1,'receive','2026-11-27 14:07:55.072395','2026-11-27 14:07:55.075710',NULL);
INSERT INTO "steps" VALUES(2,1,'receive','2026-11-27 14:07:55.089570','2026-11-27 14:07:55.092646',NULL);
CREATE TABLE trash (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	app_id INTEGER NOT NULL, 
	directory VARCHAR NOT NULL, 
	deleted DATETIME NOT NULL, 
	restorable_until DATETIME NOT NULL, 
	total_bytes INTEGER NOT NULL, 
	total_files INTEGER NOT NULL, 
	CONSTRAINT trash_app UNIQUE (app_id), 
	FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);
INSERT INTO "trash" VALUES(1,2,'old.2','2026-11-01 00:00:00.000000','2026-11-04 00:00:00.000000',5,1);
CREATE TABLE variable_changes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	app_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR NOT NULL, 
	act VARCHAR NOT NULL, 
	names JSON NOT NULL, 
	FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);
CREATE TABLE variables (
	app_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	auto BOOLEAN NOT NULL, 
	PRIMARY KEY (app_id, name), 
	FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);
INSERT INTO "variables" VALUES(1,'SECRET_KEY_BASE',X'0104D08064A246C6AB165E6E8FD4A97644BDEC8211C94EC1B923067AFD95C055E8',1);
INSERT INTO "variables" VALUES(1,'FEATURE',X'01AE9177AF9F0310544C42E7A43C2B80B199811F6B519B9A481BCE29737953',0);
CREATE UNIQUE INDEX apps_name ON apps (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX apps_first_port ON apps (first_port) WHERE deleted_at IS NULL;
CREATE INDEX deployments_unfinished ON deployments (id) WHERE ended IS NULL;
CREATE INDEX deployments_release ON deployments (app_id, release);
CREATE INDEX deployments_draining ON deployments (id) WHERE draining;
CREATE INDEX variable_changes_app ON variable_changes (app_id, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('apps',2);
INSERT INTO "sqlite_sequence" VALUES('trash',1);
INSERT INTO "sqlite_sequence" VALUES('deployments',3);
COMMIT;
