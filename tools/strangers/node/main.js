// The official Node client's core against an emulator: one life of an import, one of an online migration.
//
// The registry has the core (signer, credentials, HTTP, errors) and not the DCS part, which only lists paths: the
// options below are written as its generated parts write theirs. It writes one line of JSON for each operation: what
// was called, and "ok" or what went wrong.
"use strict";

const { BasicCredentials, Region } = require("@huaweicloud/huaweicloud-sdk-core");
const { ClientBuilder } = require("@huaweicloud/huaweicloud-sdk-core/ClientBuilder");

const PATIENCE_MS = 20_000;
const ABSENT = "0".repeat(32);
const [, , URL_OF_CLOUD, JOB_ID] = process.argv;
let failed = false;

class DcsClient {
  constructor(client) {
    this.hcClient = client;
  }

  static newBuilder() {
    return new ClientBuilder((client) => new DcsClient(client));
  }

  call(method, url, { body = {}, path = {}, query = {} } = {}) {
    return this.hcClient.sendRequest({
      method,
      url: `/v2/{project_id}/${url}`,
      contentType: "application/json",
      queryParams: query,
      pathParams: path,
      headers: {},
      data: body,
      responseHeaders: [""],
    });
  }
}

async function step(operation, work) {
  let outcome = "ok";
  try {
    const right = await work();
    if (right === false) throw new Error("not the right answer");
  } catch (error) {
    outcome = error.errorMsg || error.message || String(error);
    failed = true;
  }
  console.log(JSON.stringify({ operation, outcome }));
}

const show = (client, id) => client.call("GET", "migration-task/{task_id}", { path: { task_id: id } });

async function wait(client, id, reached) {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
    if (reached(await show(client, id))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("it does not get there");
}

async function create(client, name) {
  const answer = await client.call("POST", "migration-task", {
    body: {
      task_name: name,
      description: "of the Node client: <&> ä",
      migration_type: "backupfile_import",
      migration_method: "full_amount_migration",
      backup_files: { file_source: "self_build_obs", bucket_name: "backups", files: [{ file_name: "orders.rdb" }] },
      target_instance: { id: `instance-${name}`, password: "Passw0rd" },
    },
  });
  if (answer.status !== "MIGRATING") throw new Error(JSON.stringify(answer));
  return answer.id;
}

async function imports(client) {
  const ids = [];
  const path = () => ({ path: { task_id: ids[0] } });
  await step("CreateMigrationTask", async () => ids.push(await create(client, "one")));
  await step("ListMigrationTask", async () => {
    const list = await client.call("GET", "migration-tasks", { query: { name: "one", limit: 1000, offset: 0 } });
    return list.count === 1 && list.migration_tasks[0].task_id === ids[0];
  });
  await step("ShowMigrationTask", async () => {
    const shown = await show(client, ids[0]);
    return shown.task_name === "one" && shown.description === "of the Node client: <&> ä";
  });
  await step("ShowMigrationTaskStats", async () => {
    const stats = await client.call("GET", "migration-task/{task_id}/stats", path());
    return stats.full_migration_progress === "50" && stats.is_migrating === true;
  });
  await step("ListMigrationTaskLogs", async () => {
    const logs = await client.call("GET", "migration-task/{task_id}/logs", path());
    return logs.log_num > 0 && logs.migration_logs.length > 0;
  });
  await step("UpdateMigrationTask", () =>
    client.call("PUT", "migration-task/{task_id}", { ...path(), body: { resume_mode: "manual" } }),
  );
  await step("StopMigrationTask", async () => {
    const stopped = await client.call("POST", "migration-task/{task_id}/stop", path());
    return stopped.status === "TERMINATING";
  });
  await step("StopMigrationTaskSync", async () => {
    ids.push(await create(client, "two"));
    await client.call("POST", "migration-task/{task_id}/sync-stop", { path: { task_id: ids[1] } });
  });
  await step("BatchStopMigrationTasks", async () => {
    ids.push(await create(client, "three"));
    const batch = await client.call("POST", "migration-task/batch-stop", { body: { migration_tasks: [ids[2]] } });
    return batch.migration_tasks[0].result === "success";
  });
  await step("DeleteMigrationTask", async () => {
    const deleted = await client.call("DELETE", "migration-tasks/delete", { body: { task_id_list: ids } });
    return deleted.task_id_list.length === 3;
  });
}

async function online(client) {
  let id;
  const path = () => ({ path: { task_id: id } });
  await step("CreateOnlineMigrationTask", async () => {
    const body = { name: "online", vpc_id: "vpc-1", subnet_id: "subnet-1", security_group_id: "group-1" };
    id = (await client.call("POST", "migration/instance", { body })).instance_id;
    return Boolean(id);
  });
  await step("SetOnlineMigrationTask", async () => {
    await wait(client, id, (shown) => shown.status === "RUNNING");
    const body = {
      migration_method: "incremental_migration",
      resume_mode: "auto",
      source_instance: { id: "shop", password: "Passw0rd" },
      target_instance: { id: "orders", password: "Passw0rd" },
    };
    await client.call("POST", "migration/{task_id}/task", { ...path(), body });
  });
  await step("ExchangeInstanceIp", async () => {
    await wait(client, id, (shown) => shown.status === "INCRMIGEATING");
    const body = { exchanged_ip: [], is_exchange_domain: true };
    await client.call("POST", "migration-task/{task_id}/exchange-ip", { ...path(), body });
    await wait(client, id, (shown) => shown.task_status === "EXCHANGE_SUCCESS");
  });
  await step("RollbackExchangeInstanceIp", async () => {
    await client.call("POST", "migration-task/{task_id}/rollback-ip", path());
    await wait(client, id, (shown) => shown.task_status === "ROLLBACK_SUCCESS");
  });
  await step("BatchRestartOnlineMigrationTasks", async () => {
    const batch = await client.call("POST", "migration-tasks/batch-restart", { body: { migration_tasks: [id] } });
    return batch.migration_tasks[0].result === "success";
  });
}

async function main() {
  // Without a project id, so that the client asks for the one of the region first.
  const keys = new BasicCredentials().withAk("emulator").withSk("emulator").withIamEndpoint(URL_OF_CLOUD);
  const client = DcsClient.newBuilder()
    .withCredential(keys)
    .withRegion(new Region("emulator-1", URL_OF_CLOUD))
    .build();
  await step("KeystoneListProjects", async () => {
    await client.call("GET", "migration-tasks");
    return Boolean(client.hcClient.credential.projectId);
  });
  await imports(client);
  await online(client);
  await step("ShowJobInfo", async () => {
    const job = await client.call("GET", "jobs/{job_id}", { path: { job_id: JOB_ID } });
    return job.status === "SUCCESS";
  });
  await step("a refusal", async () => {
    try {
      await show(client, ABSENT);
    } catch (error) {
      return error.httpStatusCode === 400 && error.errorCode === "DCS.4133";
    }
    return false;
  });
}

main().then(
  () => process.exit(failed ? 1 : 0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
