"""A whole environment on real servers: Nacos, an XXL-JOB console, MariaDB, a robot that enforces WeCom's limits."""

from dataclasses import dataclass

from app.testing.robot_double import RobotDouble
from servers.mariadb import MariaDb
from servers.nacos_client import NacosClient
from servers.ratchjob import Console
from servers.rnacos import Nacos
from support.processes import Deployment

DATA_ID = "tenon.yaml"
NAMESPACE = "acceptance"


@dataclass
class Estate:
    """What a team has before it starts its Python service."""

    nacos: Nacos
    console: Console
    mariadb: MariaDb
    robot: RobotDouble
    deployment: Deployment

    def settings(self, extra: str = "") -> str:
        """The document as it stands in Nacos."""
        section = self.mariadb.section
        return self.deployment.document(
            "database:\n"
            f"  host: {section['host']}\n  port: {section['port']}\n  user: {section['user']}\n"
            f"  password: {section['password']}\n  name: app\n  create_tables: true\n"
            f"wechat:\n  base_url: {self.robot.url}\n"
            f"  robot_templates:\n    default: {{key: {next(iter(self.robot.keys))}}}\n"
            "log: {levels: {app.config.db: DEBUG}}\n" + extra,
            url=self.console.url,
        )

    def publish(self, extra: str = "") -> None:
        self.publish_text(self.settings(extra))

    def publish_text(self, text: str) -> None:
        with self.client() as client:
            client.publish(DATA_ID, text, namespace=NAMESPACE)

    def client(self) -> NacosClient:
        return self.nacos.client()

    def connect(self, host: str | None = None) -> None:
        """Writes the connection file; the only thing that a user edits to join."""
        self.deployment.write_config(
            f"nacos:\n  host: {host or self.nacos.address}\n  username: {self.nacos.username}\n"
            f"  password: ${{NACOS_PASSWORD}}\n  namespace: {NAMESPACE}\n  data_id: {DATA_ID}\n"
        )
        self.deployment.variables["NACOS_PASSWORD"] = self.nacos.password
