package config_test

import (
	"testing"

	"github.com/awstokenserver/config/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
