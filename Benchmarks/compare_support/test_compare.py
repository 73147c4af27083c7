"""python3 -B -m unittest discover -s Benchmarks -t Benchmarks"""
import types
import unittest

from compare_support import rounds, servers
from compare_support.report import Report
from compare_support.scenarios import SCENARIOS, Bar, Row, Scenario, select
from compare_support.tally import Tally, keep, ratios
from compare_support.verdicts import Outcome, judge


def values(tern, coturn):
    return {"tern": dict(enumerate(tern)), "coturn": dict(enumerate(coturn))}


class Verdicts(unittest.TestCase):
    def outcome(self, tern, coturn=(100.0,), bar=Bar(0.50, "coturn")):
        return judge(Row("row", "row", bars=(bar,)), bar, values(tern, coturn)).outcome

    def test_a_bar_is_met_up_to_itself_and_within_slack_up_to_seven_percent_above(self):
        self.assertEqual(self.outcome([50.0]), Outcome.MET)
        self.assertEqual(self.outcome([50.1]), Outcome.WITHIN_SLACK)
        self.assertEqual(self.outcome([53.4]), Outcome.WITHIN_SLACK)
        self.assertEqual(self.outcome([53.6]), Outcome.MISSED)

    def test_the_median_of_ratios_counts_and_not_the_ratio_of_medians(self):
        self.assertEqual(self.outcome([10.0, 60.0, 90.0], [100.0, 100.0, 300.0]), Outcome.MET)

    def test_without_a_base_the_value_itself_counts(self):
        self.assertEqual(self.outcome([1400.0], bar=Bar(1500)), Outcome.MET)
        self.assertEqual(self.outcome([1700.0], bar=Bar(1500)), Outcome.MISSED)

    def test_what_was_not_measured_is_no_success(self):
        verdict = judge(Row("row", "row"), Bar(0.5, "coturn"), values([], [1.0]))
        self.assertEqual(verdict.outcome, Outcome.UNMEASURED)
        self.assertTrue(verdict.is_failure)


class Tallies(unittest.TestCase):
    def test_only_rounds_that_both_have_make_ratios(self):
        self.assertEqual(ratios({"a": {0: 2.0, 2: 3.0}, "b": {0: 4.0, 1: 1.0, 2: 6.0}}, "a", "b"), [0.5, 0.5])

    def test_members_of_members_are_kept_and_missing_ones_are_not(self):
        tally = Tally()
        keep(tally, "p50", "tern", 0, {"latency": {"p50": 80.0}}, "latency.p50")
        keep(tally, "p50", "coturn", 0, {"latency": None}, "latency.p50")
        self.assertEqual(tally.values, {"p50": {"tern": {0: 80.0}}})


class Servers(unittest.TestCase):
    def test_the_command_of_a_peer_is_split_as_a_shell_would(self):
        program = servers.peer("new=turnserver -n \\\n  -p {port} '--log-file={log}'")
        self.assertEqual(program.name, "new")
        self.assertEqual(program.words, ("turnserver", "-n", "-p", "{port}", "--log-file={log}"))

    def test_a_command_without_a_port_is_refused(self):
        for text in ("new=turnserver -n", "turnserver {port}", "=x {port}", "new="):
            with self.assertRaises(ValueError):
                servers.peer(text)

    def test_words_about_certificates_are_for_scenarios_with_one(self):
        values = {"{port}": "4000", "{log}": "log"}
        secure = {**values, "{certificate}": "rsa.pem", "{key}": "rsa.key", "{secureport}": "4001"}
        plain_words, secure_words = (servers.command(servers.coturn(), found) for found in (values, secure))
        self.assertIn("--no-tls", plain_words)
        self.assertNotIn("--no-tls", secure_words)
        self.assertEqual(secure_words[-3:], ["--cert=rsa.pem", "--pkey=rsa.key", "--tls-listening-port=4001"])
        program = servers.peer("new=turnserver -p {port} --cert={certificate} --pkey={key}")
        self.assertEqual(servers.command(program, values), ["turnserver", "-p", "4000"])
        self.assertEqual(servers.command(program, secure)[3:], ["--cert=rsa.pem", "--pkey=rsa.key"])

    def test_losses_that_the_server_counted_are_told_from_others(self):
        line = "sent 9 datagrams, failed to send 3, 40 not read in time; dropped: noChannel 2, overBandwidth 5"
        log = types.SimpleNamespace(log="", log_lines=lambda path: ["started", line, "stopped"])
        counted = servers.Server.counted_drops(log)
        self.assertEqual(counted, 50)
        result = {"sentInAll": 1010, "lostInAll": 165, "refusedBySystem": 10, "generatorDrops": 5}
        rounds.add_losses(result, types.SimpleNamespace(counted_drops=lambda: counted))
        self.assertEqual((result["lostShare"], result["uncountedShare"]), (0.15, 0.1))


class Scenarios(unittest.TestCase):
    def test_a_word_selects_a_name_or_its_beginning(self):
        self.assertEqual([s.name for s in select("binding,burst")],
                         ["burst-2", "burst-4", "burst-8", "burst-16", "binding"])
        self.assertRaises(ValueError, select, "b")
        self.assertEqual(select(None), SCENARIOS)

    def test_a_transport_with_encryption_has_a_certificate_and_no_other_has(self):
        self.assertEqual({s.transport for s in SCENARIOS}, {"udp", "tcp", "tls", "dtls"})
        for scenario in SCENARIOS:
            self.assertEqual(scenario.certificate is not None, scenario.transport in ("tls", "dtls"), scenario.name)
        names = [scenario.name for scenario in SCENARIOS]
        self.assertEqual(len(set(names)), len(names))

    def test_every_base_is_measured_in_the_rows_scenario(self):
        for scenario in SCENARIOS:
            bases = {bar.base for row in scenario.rows for bar in row.bars} - {None, "coturn"}
            self.assertLessEqual(bases, set(scenario.floors), scenario.name)

    def test_latency_added_is_the_excess_over_the_generator_alone(self):
        results = {"direct": {"latency": {"p99": 30.0}}, "tern": {"latency": {"p99": 180.0, "p999": 900.0}}}
        rounds.add_latency(results)
        self.assertEqual(results["tern"]["latencyAdded"], {"p99": 150.0})


class Reports(unittest.TestCase):
    def test_what_connections_were_encrypted_with_is_told_once_a_server(self):
        tally = Tally()
        tally.runs = [{"server": "tern", "transport": "tls", "encryption": "TLSv1.3, A"}] * 2
        self.assertIn("tls of Tern: TLSv1.3, A.\n", Report([], tally, [], {}, 1).markdown() + "\n")

    def test_a_server_that_cannot_do_a_scenario_shows_as_a_dash(self):
        row = Row("up", "up", bars=(Bar(0.85, "coturn"), Bar(1.08, "connected")))
        tally = Tally()
        tally.values = {"up": {**values([4.0], [5.0]), "connected": {0: 3.0}}}
        table = Report([Scenario("up", "", (row,), ("connected",))], tally, ["pion"], {}, 1).markdown()
        self.assertIn(
            "| up | 5.00 | 4.00 | 3.00 connected | – | 0.80 (0.80…0.80, 1) | 1.33 (1.33…1.33, 1) | – "
            "| 0.85 × coturn, 1.08 × connected floor | met, **missed** |", table)


if __name__ == "__main__":
    unittest.main()
