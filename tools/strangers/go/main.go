// The official Go client against an emulator: one life of an import, one of an online migration.
//
// It writes one line of JSON for each operation: what was called, and "ok" or what went wrong.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	dcs "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dcs/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dcs/v2/model"
)

const patience = 20 * time.Second

var failed = false

func tell(operation string, err error) {
	outcome := "ok"
	if err != nil {
		outcome, failed = err.Error(), true
	}
	line, _ := json.Marshal(map[string]string{"operation": operation, "outcome": outcome})
	fmt.Println(string(line))
}

// want returns an error unless what was answered is what is right.
func want(err error, right bool, answer any) error {
	if err == nil && !right {
		return fmt.Errorf("not the right answer: %v", answer)
	}
	return err
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func pointer[T any](value T) *T { return &value }

func client(url string) (*dcs.DcsClient, error) {
	// Without a project id, so that the client asks for the one of the region first.
	keys, err := basic.NewCredentialsBuilder().WithAk("emulator").WithSk("emulator").
		WithIamEndpointOverride(url).SafeBuild()
	if err != nil {
		return nil, err
	}
	http, err := dcs.DcsClientBuilder().WithRegion(region.NewRegion("emulator-1", url)).
		WithCredential(keys).SafeBuild()
	if err != nil {
		return nil, err
	}
	return dcs.NewDcsClient(http), nil
}

type course struct{ dcs *dcs.DcsClient }

func (c course) create(name string) (string, error) {
	types, methods := model.GetCreateMigrationTaskBodyMigrationTypeEnum(), model.GetCreateMigrationTaskBodyMigrationMethodEnum()
	answer, err := c.dcs.CreateMigrationTask(&model.CreateMigrationTaskRequest{Body: &model.CreateMigrationTaskBody{
		TaskName:        name,
		Description:     pointer("of the Go client: <&> ä"),
		MigrationType:   types.BACKUPFILE_IMPORT,
		MigrationMethod: methods.FULL_AMOUNT_MIGRATION,
		BackupFiles: &model.BackupFilesBody{
			FileSource: pointer(model.GetBackupFilesBodyFileSourceEnum().SELF_BUILD_OBS),
			BucketName: pointer("backups"),
			Files:      []model.Files{{FileName: "orders.rdb"}},
		},
		TargetInstance: &model.TargetInstanceBody{Id: "instance-" + name, Password: pointer("Passw0rd")},
	}})
	if err != nil {
		return "", err
	}
	return text(answer.Id), want(nil, text(answer.Id) != "" && answer.Status.Value() == "MIGRATING", answer)
}

func (c course) status(id string) (string, string) {
	answer, err := c.dcs.ShowMigrationTask(&model.ShowMigrationTaskRequest{TaskId: id})
	if err != nil {
		return err.Error(), ""
	}
	return answer.Status.Value(), text(answer.TaskStatus)
}

func (c course) await(id string, reached func(status, taskStatus string) bool) error {
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		status, taskStatus := c.status(id)
		if reached(status, taskStatus) {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("it stays %s %s", status, taskStatus)
		}
	}
}

func (c course) imports() {
	one, err := c.create("one")
	tell("CreateMigrationTask", err)
	list, err := c.dcs.ListMigrationTask(&model.ListMigrationTaskRequest{
		Name: pointer("one"), Limit: pointer(int32(1000)), Offset: pointer(int32(0)),
	})
	right := err == nil && *list.Count == 1 && text((*list.MigrationTasks)[0].TaskId) == one
	tell("ListMigrationTask", want(err, right, list))
	shown, err := c.dcs.ShowMigrationTask(&model.ShowMigrationTaskRequest{TaskId: one})
	right = err == nil && text(shown.TaskName) == "one" && shown.TargetInstance.Id == "instance-one" &&
		text(shown.Description) == "of the Go client: <&> ä"
	tell("ShowMigrationTask", want(err, right, shown))
	stats, err := c.dcs.ShowMigrationTaskStats(&model.ShowMigrationTaskStatsRequest{TaskId: one})
	right = err == nil && text(stats.FullMigrationProgress) == "50" && *stats.IsMigrating
	tell("ShowMigrationTaskStats", want(err, right, stats))
	logs, err := c.dcs.ListMigrationTaskLogs(&model.ListMigrationTaskLogsRequest{TaskId: one})
	tell("ListMigrationTaskLogs", want(err, err == nil && *logs.LogNum > 0 && len(*logs.MigrationLogs) > 0, logs))
	_, err = c.dcs.UpdateMigrationTask(&model.UpdateMigrationTaskRequest{
		TaskId: one, Body: &model.MigrationUpdateRequestEntity{ResumeMode: pointer("manual")},
	})
	tell("UpdateMigrationTask", err)
	stopped, err := c.dcs.StopMigrationTask(&model.StopMigrationTaskRequest{TaskId: one})
	tell("StopMigrationTask", want(err, err == nil && stopped.Status.Value() == "TERMINATING", stopped))
	two, err := c.create("two")
	if err == nil {
		_, err = c.dcs.StopMigrationTaskSync(&model.StopMigrationTaskSyncRequest{TaskId: two})
	}
	tell("StopMigrationTaskSync", err)
	three, err := c.create("three")
	if err == nil {
		var batch *model.BatchStopMigrationTasksResponse
		batch, err = c.dcs.BatchStopMigrationTasks(&model.BatchStopMigrationTasksRequest{
			Body: &model.BatchStopMigrationTasksBody{MigrationTasks: []string{three}},
		})
		right = err == nil && len(*batch.MigrationTasks) == 1 && (*batch.MigrationTasks)[0].Result.Value() == "success"
		err = want(err, right, batch)
	}
	tell("BatchStopMigrationTasks", err)
	deleted, err := c.dcs.DeleteMigrationTask(&model.DeleteMigrationTaskRequest{
		Body: &model.DeleteMigrateTaskRequest{TaskIdList: []string{one, two, three}},
	})
	tell("DeleteMigrationTask", want(err, err == nil && len(*deleted.TaskIdList) == 3, deleted))
}

func (c course) online() {
	made, err := c.dcs.CreateOnlineMigrationTask(&model.CreateOnlineMigrationTaskRequest{
		Body: &model.CreateOnlineMigrationTaskBody{
			Name: "online", VpcId: "vpc-1", SubnetId: "subnet-1", SecurityGroupId: "group-1",
		},
	})
	tell("CreateOnlineMigrationTask", want(err, err == nil && text(made.InstanceId) != "", made))
	if err != nil {
		return
	}
	id := text(made.InstanceId)
	err = c.await(id, func(status, _ string) bool { return status == "RUNNING" })
	if err == nil {
		methods, modes := model.GetSetOnlineMigrationTaskBodyMigrationMethodEnum(), model.GetSetOnlineMigrationTaskBodyResumeModeEnum()
		_, err = c.dcs.SetOnlineMigrationTask(&model.SetOnlineMigrationTaskRequest{
			TaskId: id,
			Body: &model.SetOnlineMigrationTaskBody{
				MigrationMethod: methods.INCREMENTAL_MIGRATION,
				ResumeMode:      modes.AUTO,
				SourceInstance:  &model.ConfigMigrationInstanceBody{Id: pointer("shop"), Password: pointer("Passw0rd")},
				TargetInstance:  &model.ConfigMigrationInstanceBody{Id: pointer("orders"), Password: pointer("Passw0rd")},
			},
		})
	}
	tell("SetOnlineMigrationTask", err)
	err = c.await(id, func(status, _ string) bool { return status == "INCRMIGEATING" })
	body := &model.IpExchangeRequest{ExchangedIp: []string{}, IsExchangeDomain: true}
	if err == nil {
		_, err = c.dcs.ExchangeInstanceIp(&model.ExchangeInstanceIpRequest{TaskId: id, Body: body})
	}
	if err == nil {
		err = c.await(id, func(_, exchange string) bool { return exchange == "EXCHANGE_SUCCESS" })
	}
	tell("ExchangeInstanceIp", err)
	_, err = c.dcs.RollbackExchangeInstanceIp(&model.RollbackExchangeInstanceIpRequest{TaskId: id})
	if err == nil {
		err = c.await(id, func(_, exchange string) bool { return exchange == "ROLLBACK_SUCCESS" })
	}
	tell("RollbackExchangeInstanceIp", err)
	batch, err := c.dcs.BatchRestartOnlineMigrationTasks(&model.BatchRestartOnlineMigrationTasksRequest{
		Body: &model.BatchRestartOnlineMigrationTasksBody{MigrationTasks: []string{id}},
	})
	right := err == nil && (*batch.MigrationTasks)[0].Result.Value() == "success"
	tell("BatchRestartOnlineMigrationTasks", want(err, right, batch))
}

func (c course) job(id string) {
	answer, err := c.dcs.ShowJobInfo(&model.ShowJobInfoRequest{JobId: id})
	tell("ShowJobInfo", want(err, err == nil && answer.Status.Value() == "SUCCESS", answer))
}

func (c course) refusal() {
	_, err := c.dcs.ShowMigrationTask(&model.ShowMigrationTaskRequest{TaskId: "00000000000000000000000000000000"})
	var refused *sdkerr.ServiceResponseError
	if !errors.As(err, &refused) {
		tell("a refusal", fmt.Errorf("no refusal of the service: %v", err))
		return
	}
	right := refused.StatusCode == 400 && refused.ErrorCode == "DCS.4133" && refused.RequestId != ""
	tell("a refusal", want(nil, right, refused))
}

func main() {
	made, err := client(os.Args[1])
	tell("KeystoneListProjects", err)
	if err == nil {
		it := course{made}
		it.imports()
		it.online()
		it.job(os.Args[2])
		it.refusal()
	}
	if failed {
		os.Exit(1)
	}
}
