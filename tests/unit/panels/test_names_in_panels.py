"""The accounts panel calls sub-accounts by the user's own names, and says whose account it shows."""

from __future__ import annotations

from pathlib import Path

from tests.support.account_front import Front
from tests.support.panels import seen, wait_for
from tests.support.recording import recording_server
from tests.support.sandbox_env import SandboxEnv
from toolkit.panels import accounts
from toolkit.panels.accounts_panel.holdings import arrange


def test_sub_accounts_have_names_and_keep_their_ids(shared_env: SandboxEnv) -> None:
    balances = shared_env.link.exchange.spot_balances()
    largest = [*balances.nlargest(3, "total_balance_of_btc")["sub_account_id"]]
    names = dict(zip(largest, ["Ada & Co", "Twins", "Twins"], strict=True))
    with accounts(shared_env.new_link(names=names), fetch=True) as panel:
        panel._before_display()
        assert panel.wait(60)
        shown = wait_for(panel, "Ada &amp; Co", *largest)
        for id_ in largest:
            assert f"<small>{id_}</small>" in shown
        picture = str(panel._static())
        assert "Ada &amp; Co</td>" in picture
        assert all(f"Twins ({id_})" in picture for id_ in largest[1:])
        assert {each.id for each in arrange(panel._accounts, "btc", "twins")} == {*largest[1:]}
    with accounts(shared_env.link, fetch=True) as plain:
        plain._before_display()
        assert plain.wait(60)
        assert "Twins" not in str(plain._static())


def test_accounts_with_the_same_tag_are_told_apart(shared_env: SandboxEnv) -> None:
    listed = shared_env.link.exchange.sub_accounts()
    with accounts(shared_env.link, fetch=True) as panel:
        assert panel.wait(60)
        picture = str(panel._static())
        largest = [each for each in arrange(panel._accounts, "btc")[:10] if each.tag]
    shared = [each for each in largest if (listed["tag"] == each.tag).sum() > 1]
    assert shared
    assert all(f"{each.tag} ({each.id})</td>" in picture for each in shared)


def test_the_heading_says_whose_account_it_is(env: SandboxEnv, accounts_folder: Path) -> None:
    with recording_server(env.sandbox.address) as server:
        link = env.new_link(hosts=Front(server).hosts)
        with accounts(link, fetch=True) as panel:
            assert "uid:" not in seen(panel)
            panel._before_display()
            assert panel.wait(60)
            shown = wait_for(panel, "sandbox-uid:354937868")
            assert 'title="The account of the key">sandbox-uid:354937868</span>' in shown
            assert "· sandbox-uid:354937868" in str(panel._static())
