// Import a backup file from a bucket into a DCS instance, and go on when the data is there.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
	"pulumi-dcs.invalid/sdk/go/dcs"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings := config.New(ctx, "")
		orders, err := dcs.NewMigrationTask(ctx, "orders", &dcs.MigrationTaskArgs{
			MigrationType:   pulumi.String("backupfile_import"),
			MigrationMethod: pulumi.String("full_amount_migration"),
			BackupFiles: &dcs.BackupFilesArgs{
				BucketName: pulumi.String(settings.Require("bucket")),
				Files: dcs.BackupFileArray{
					&dcs.BackupFileArgs{FileName: pulumi.String(settings.Require("file"))},
				},
			},
			TargetInstance: &dcs.TargetInstanceArgs{
				Id:       pulumi.String(settings.Require("instanceId")),
				Password: settings.RequireSecret("redisPassword"),
			},
		})
		if err != nil {
			return err
		}
		// Whatever needs the data has this in its DependsOn.
		imported, err := dcs.NewMigrationCompletion(ctx, "orders-completion", &dcs.MigrationCompletionArgs{
			TaskIds: pulumi.StringArray{orders.ID()},
			Timeout: pulumi.String("2h"),
		})
		if err != nil {
			return err
		}
		ctx.Export("id", orders.ID())
		ctx.Export("status", imported.Status)
		return nil
	})
}
