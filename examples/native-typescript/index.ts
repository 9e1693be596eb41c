// Import a backup file from a bucket into a DCS instance, and go on when the data is there.
import * as pulumi from "@pulumi/pulumi";
import * as dcs from "pulumi-dcs";

const config = new pulumi.Config();

const orders = new dcs.MigrationTask("orders", {
    migrationType: "backupfile_import",
    migrationMethod: "full_amount_migration",
    backupFiles: {
        bucketName: config.require("bucket"),
        files: [{ fileName: config.require("file") }],
    },
    targetInstance: {
        id: config.require("instanceId"),
        password: config.requireSecret("redisPassword"),
    },
});

// Whatever needs the data has this in its dependsOn.
const imported = new dcs.MigrationCompletion("orders-completion", {
    taskIds: [orders.id],
    timeout: "2h",
});

export const id = orders.id;
export const status = imported.status;
