#include "samples.h"

#include <stdlib.h>
#include <string.h>

/* Single quotes stand for double ones, which are a burden in C. */
static const char *const sets[SAMPLES_COUNT] = {
    /* 2.2 with NAT fields mapped: hex, one record without them, IPv6, times without a
     * fraction */
    "{'type':'IPFIX','time_received_ns':'2025-03-15T17:10:51.496749677Z',"
    "'sequence_num':20,'sampling_rate':0,'sampler_address':'192.0.2.1',"
    "'time_flow_start_ns':1742058600127000000,'time_flow_end_ns':1742058650127000000,"
    "'bytes':4440,'packets':10,'src_addr':'100.64.24.110','src_net':'0.0.0.0/0',"
    "'dst_addr':'198.51.100.44','dst_net':'0.0.0.0/0','etype':'IPv4','proto':'TCP',"
    "'src_port':16649,'dst_port':443,'in_if':35,'out_if':4,"
    "'src_mac':'2c:c8:1b:ac:cf:82','dst_mac':'dc:2c:6e:8c:c6:f3',"
    "'icmp_name':'unknown','post_nat_src_ipv4_address':'cb007102',"
    "'post_nat_dst_ipv4_address':'c633642c','post_napt_src_transport_port':16649,"
    "'post_napt_dst_transport_port':443}\n"
    "{'type':'IPFIX','time_received_ns':'2025-03-15T17:10:51.5Z','sequence_num':21,"
    "'sampling_rate':1000,'sampler_address':'2001:db8::1',"
    "'time_flow_start_ns':1742058600127000000,'time_flow_end_ns':1742058650127000000,"
    "'bytes':1646,'packets':2,'src_addr':'fe80::296a:8131:7766:b3dd',"
    "'src_net':'::/0','dst_addr':'2001:db8:0:1:2:3:4:5','dst_net':'2001:db8::/32',"
    "'etype':'IPv6','proto':'UDP','src_port':51168,'dst_port':3702,'in_if':0,"
    "'out_if':4294967295,'src_mac':'00:00:00:00:00:00','dst_mac':'00:00:00:00:00:00',"
    "'icmp_name':'unknown'}\n"
    "{'type':'NETFLOW_V9','time_received_ns':'2025-03-15T17:10:51Z','sequence_num':22,"
    "'sampling_rate':0,'sampler_address':'192.0.2.1','time_flow_start_ns':0,"
    "'time_flow_end_ns':18446744073709551615,'bytes':18446744073709551615,"
    "'packets':9223372036854775808,'src_addr':'','src_net':'invalid Prefix',"
    "'dst_addr':'','dst_net':'invalid Prefix','etype':'','proto':'HOPOPT',"
    "'src_port':0,'dst_port':65535,'in_if':1022,'out_if':0,"
    "'src_mac':'02:00:00:00:00:04','dst_mac':'ff:ff:ff:ff:ff:ff','icmp_name':''}\n",

    /* 2.2 by default: integer times, lists empty and filled */
    "{'type':'SFLOW_5','time_received_ns':1742058651015528569,'sequence_num':44797001,"
    "'sampling_rate':30000,'sampler_address':'192.0.2.2',"
    "'time_flow_start_ns':1742058651015528569,'time_flow_end_ns':1742058651015528569,"
    "'bytes':1500,'packets':1,'src_addr':'198.51.100.178','dst_addr':'203.0.113.87',"
    "'etype':'IPv4','proto':'TCP','src_port':443,'dst_port':19624,'in_if':335,"
    "'out_if':450,'src_mac':'00:00:00:00:00:00','dst_mac':'00:00:00:00:00:00',"
    "'src_vlan':0,'dst_vlan':4294967295,'vlan_id':0,'ip_tos':192,"
    "'forwarding_status':64,'ip_ttl':255,'ip_flags':2,'tcp_flags':16,'icmp_type':0,"
    "'icmp_code':0,'ipv6_flow_label':0,'fragment_id':0,'fragment_offset':0,"
    "'src_as':64496,'dst_as':4200000000,'next_hop':'','next_hop_as':0,"
    "'src_net':'198.51.100.0/24','dst_net':'203.0.112.0/20',"
    "'bgp_next_hop':'192.0.2.63','bgp_communities':[],'as_path':[],'mpls_ttl':[],"
    "'mpls_label':[],'mpls_ip':[],'observation_domain_id':0,'observation_point_id':0,"
    "'layer_stack':['Ethernet','IPv4','TCP'],'layer_size':[14,20,20],"
    "'ipv6_routing_header_addresses':[],'ipv6_routing_header_seg_left':0}\n"
    "{'type':'SFLOW_5','time_received_ns':1742058651015528570,'as_path':[64496,64500],"
    "'bgp_communities':[4227858433,1],'mpls_ttl':[255,0],'mpls_label':[16,0,1048575],"
    "'mpls_ip':['192.0.2.9','2001:db8::9'],'layer_stack':[],'layer_size':[],"
    "'ipv6_routing_header_addresses':['2001:db8:1::','2001:db8:2::']}\n",

    /* NAT in dotted form and IPv6 sisters; the order of fields another one */
    "{'post_nat_src_ipv4_address':'203.0.113.2','post_nat_dst_ipv4_address':'0.0.0.0',"
    "'post_napt_src_transport_port':1024,'post_napt_dst_transport_port':0,"
    "'src_addr':'10.8.0.1','dst_addr':'64:ff9b::c633:6409','proto':'GRE',"
    "'post_nat_src_ipv6_address':'2001:db8::7',"
    "'post_nat_dst_ipv6_address':'20010db8000000000000000000000001','nat_event':4,"
    "'ingress_vrf_id':1610612738,'egress_vrf_id':0,'flow_direction':1}\n"
    "{'time_received_ns':'2025-03-15T17:10:51.000000001Z','post_nat_src_ipv4_address':"
    "'00000000','src_addr':'::ffff:10.8.0.9','src_net':'::ffff:10.8.0.0/112',"
    "'dst_addr':'::','dst_net':'::/0','next_hop':'::1'}\n",

    /* enums: names new and old, numbers, no names */
    "{'type':'NETFLOW_V5','etype':'ARP','proto':'ISIS over IPv4','bytes':1}\n"
    "{'type':'FLOWUNKNOWN','etype':'IPv6','proto':'ICMPv6','bytes':22}\n"
    "{'type':'IPFIX','etype':2048,'proto':58,'bytes':333}\n"
    "{'type':'SFLOW_5','etype':'IPv4','proto':'unassigned','bytes':4444}\n"
    "{'type':'SFLOW_5','etype':'','proto':'IPv6-ICMP','bytes':55555}\n",

    /* keys that the table does not know, of every type */
    "{'bytes':1,'user_name':'alice','flow_start_ms_raw':1742058651000,'flag':true,"
    "'other':false,'nothing':null,'list':[1,2,18446744073709551615],'empty_list':[],"
    "'names':['a','b'],'nested':{'a':[1.5,-2,null],'b':{}},'float':1.25,"
    "'negative':-7,'big':18446744073709551616,'':'no name','a_very_long_key_indeed_"
    "that_fills_more_than_a_vector_of_sixty_four_bytes_by_some':1}\n"
    "{'bytes':2,'user_name':'','flow_start_ms_raw':'17','flag':0,'other':'false'}\n",

    /* texts that are not as rendered: escapes, blanks, keys twice, other spellings */
    "{'bytes':3,'user_name':'a\\u0026b\\u003cc\\u003ed','note':'\\\\ \\\" \\/ \\b'}\n"
    "{'bytes':3,'note':'\\ud83d\\ude00','n\\u006fte':'twice','bad':'\\ud800'}\n"
    "{ 'bytes' : 3 ,\t'note' : 'blanks' , 'list' : [ 1 , 2 ] }\n"
    "{'bytes':100,'note':'x','bytes':999,'y':''}\n"
    "{'bytes':1.0,'packets':1e3,'src_addr':7,'dst_addr':'198.51.100.300',"
    "'src_port':70000,'sequence_num':4294967296,'src_mac':'2C:C8:1B:AC:CF:82',"
    "'src_net':'10.8.0.0/16','time_received_ns':'2025-03-15T18:10:51+01:00'}\n"
    "{'bytes':'','packets':null,'proto':'tcp','etype':null,'as_path':null,"
    "'src_addr':'2001:0DB8:0:0::7','dst_addr':'010.8.0.1','in_if':'7','mpls_ip':''}\n",

    /* 1.x */
    "{'Type':'NETFLOW_V9','TimeReceived':1742058651,'SequenceNum':38,"
    "'SamplingRate':100,'FlowDirection':0,'SamplerAddress':'192.0.2.1',"
    "'TimeFlowStart':1742058600,'TimeFlowEnd':1742058650,'Bytes':1500,'Packets':3,"
    "'SrcAddr':'100.64.0.7','DstAddr':'198.51.100.9','Etype':2048,'Proto':6,"
    "'SrcMac':'00:00:00:00:00:00','NextHop':'','BgpNextHop':[194,0,2,63],"
    "'BgpCommunities':[],'HasMpls':false,'MplsLabelIp':[],'CustomBytes_1':[]}\n",

    /* shapes that share a beginning, and part in a key, in a kind, or in that one ends */
    "{'bytes':1,'packets':1,'src_addr':'192.0.2.1','in_if':1}\n"
    "{'bytes':12,'packets':1,'src_addr':'2001:db8::1','in_if':1}\n"
    "{'bytes':123,'packets':1,'src_addr':'c0000201','in_if':1}\n"
    "{'bytes':1234,'packets':1,'src_addr':'','in_if':1}\n"
    "{'bytes':12345,'packets':1,'src_addr':'192.0.2.1','in_if':'1'}\n"
    "{'bytes':123456,'packets':1,'src_addr':'192.0.2.1'}\n"
    "{'bytes':1234567,'packets':1,'src_addr':'192.0.2.1','in_if':1,'out_if':2}\n"
    "{'bytes':12345678,'packets':1,'src_addr':'192.0.2.1','in_if':1,'out_if_':2}\n"
    "{'bytes':123456789,'packets':1}\n"
    "{'bytes':1234567890}\n"
    "{'byte':1234567890,'packets':1}\n"
    "{}\n",

    /* two on a line, a blank line, CR LF */
    "{'type':'IPFIX','bytes':44,'src_port':63347,'note':'one'}{'type':'IPFIX',"
    "'bytes':1646,'src_port':51168,'note':'two'}\n\n"
    "{'type':'IPFIX','bytes':7,'src_port':1,'note':'three'}\r\n",
};

const char *samples_text(size_t index, size_t *size)
{
    static char texts[SAMPLES_COUNT][4096];
    char *text = texts[index];
    *size = strlen(sets[index]);
    if (*size >= sizeof texts[index])
        abort();
    for (size_t i = 0; i < *size; i++)
        text[i] = sets[index][i];
    for (char *quote = text; (quote = strchr(quote, '\''));)
        *quote = '"';
    return text;
}
