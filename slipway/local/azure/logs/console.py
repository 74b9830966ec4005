"""What containers print, in the table that an environment with the log destination `log-analytics` sends it to."""

CONSOLE = "ContainerAppConsoleLogs_CL"
CONSOLE_TABLES: dict[str, dict[str, str]] = {
    CONSOLE: {
        "TimeGenerated": "TIMESTAMP",
        "ContainerGroupName_s": "VARCHAR",
        "ContainerJobName_s": "VARCHAR",
        "ContainerName_s": "VARCHAR",
        "Log_s": "VARCHAR",
    }
}
