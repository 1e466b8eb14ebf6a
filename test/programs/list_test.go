package programs

// program is a module of the module proxy, with its own tests and what uses it.
type program struct {
	name, module, version string
	tests                 string // the packages whose tests run
	main                  string // its own main package, or the file in testdata that uses it
	args                  []string
	stdin                 string
}

var programs = []program{
	{name: "aws-sdk-go-base", module: "github.com/hashicorp/aws-sdk-go-base/v2", version: "v2.0.0-beta.74",
		tests: "./...", main: "base.go.txt"},
	{name: "amazon-ecr-credential-helper", module: "github.com/awslabs/amazon-ecr-credential-helper/ecr-login",
		version: "v0.12.0", tests: "./...", main: "./cli/docker-credential-ecr-login",
		args: []string{"get"}, stdin: "123456789012.dkr.ecr.eu-west-1.amazonaws.com"},
	{name: "prometheus/sigv4", module: "github.com/prometheus/sigv4", version: "v0.5.0",
		tests: "./...", main: "sigv4.go.txt"},
	{name: "gocloud.dev", module: "gocloud.dev", version: "v0.49.0",
		tests: "./aws/... ./blob/s3blob/... ./docstore/awsdynamodb/... ./pubsub/awssnssqs/... ./runtimevar/awsparamstore/... " +
			"./runtimevar/awssecretsmanager/... ./secrets/awskms/...", main: "gocloud.go.txt"},
	{name: "objstore", module: "github.com/thanos-io/objstore", version: "v0.0.0-20250804093838-71d60dfee488",
		tests: "./providers/s3/...", main: "objstore.go.txt"},
}
